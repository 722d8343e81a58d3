"""Many photographs: what each verb does to one file, and jobs that do it to a hundred thousand."""
