"""Run shipped networks: a card says what a weights file is, a session runs it. onnxruntime is needed here alone."""
