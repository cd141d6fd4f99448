// Set before the first paint, so that a chosen theme does not flash: hence no module.
const chosen = localStorage.getItem("suffice.theme");
if (chosen) document.documentElement.dataset.theme = chosen;
