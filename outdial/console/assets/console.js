// What pages do besides what htmx does: they hold still while nobody looks, say when the server
// does not answer, and copy command lines.
"use strict";

(() => {
  const offline = document.getElementById("offline");
  const answered = (yes) => { offline.hidden = yes; };

  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden) event.preventDefault();
  });
  document.body.addEventListener("htmx:sendError", () => answered(false));
  document.body.addEventListener("htmx:timeout", () => answered(false));
  document.body.addEventListener("htmx:responseError", () => answered(false));
  document.body.addEventListener("htmx:afterSwap", () => answered(true));

  if (navigator.clipboard) {
    for (const button of document.querySelectorAll("button.copy")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
    }
  }

  // A notice is shown once: it is not part of the address that is bookmarked or opened again.
  const address = new URL(location.href);
  if (address.searchParams.has("notice")) {
    address.searchParams.delete("notice");
    history.replaceState(null, "", address);
  }
})();
