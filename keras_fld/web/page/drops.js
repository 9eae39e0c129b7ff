// Files that are dropped on the page or pasted.

/**
 * @param stage the element that shows where to drop
 * @param onFile called with the first file
 */
export function watchDrops(stage, onFile) {
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      event.preventDefault();
      stage.classList.toggle("over", type === "dragenter" || type === "dragover");
    });
  }
  const take = (files) => files.length && onFile(files[0]);
  document.addEventListener("drop", (event) => take(event.dataTransfer.files));
  document.addEventListener("paste", (event) => take(event.clipboardData.files));
}
