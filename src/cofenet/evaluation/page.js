"use strict";
// A sheet: two pictures of one photograph over each other, a slider between them, wheel or slider to zoom, drag to move.
for (const sheet of document.querySelectorAll(".sheet")) {
  const stage = sheet.querySelector(".stage");
  const [under, over] = stage.querySelectorAll("img");
  const line = stage.querySelector(".line");
  const [left, right] = sheet.querySelectorAll("select");
  const slider = sheet.querySelector(".split");
  const zoomer = sheet.querySelector(".zoom");
  const figures = new Map([...sheet.querySelectorAll("figure")].map((figure) => [figure.dataset.method, figure]));
  let zoom = 1, x = 0, y = 0, grip = null;

  function choose() {
    over.src = figures.get(left.value).querySelector("img").src;
    under.src = figures.get(right.value).querySelector("img").src;
    for (const [name, figure] of figures) {
      figure.classList.toggle("left", name === left.value);
      figure.classList.toggle("right", name === right.value);
    }
  }

  function place() {
    const size = stage.clientWidth;
    x = Math.min(0, Math.max(size - size * zoom, x));
    y = Math.min(0, Math.max(size - size * zoom, y));
    const share = slider.value / 100;
    for (const picture of [under, over]) picture.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
    const edge = (share * size - x) / zoom; // in pixels of the picture before it is moved
    over.style.clipPath = `inset(0 ${Math.max(0, size - edge)}px 0 0)`;
    line.style.left = `${share * 100}%`;
    zoomer.value = zoom;
  }

  function zoomTo(wanted, atX, atY) {
    const next = Math.min(8, Math.max(1, wanted));
    x = atX - (atX - x) * next / zoom;
    y = atY - (atY - y) * next / zoom;
    zoom = next;
    place();
  }

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(zoom * Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    grip = [event.clientX - x, event.clientY - y];
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!grip) return;
    x = event.clientX - grip[0];
    y = event.clientY - grip[1];
    place();
  });
  stage.addEventListener("pointerup", () => { grip = null; });
  stage.addEventListener("pointercancel", () => { grip = null; });
  zoomer.addEventListener("input", () => zoomTo(Number(zoomer.value), stage.clientWidth / 2, stage.clientWidth / 2));
  slider.addEventListener("input", place);
  for (const select of [left, right]) select.addEventListener("change", choose);
  for (const [name, figure] of figures) figure.addEventListener("click", (event) => {
    (event.shiftKey ? left : right).value = name;
    choose();
  });
  addEventListener("resize", place);
  choose();
  place();
}
