// @ts-check
// A dialog over the page: opened at once, and on closing the focus goes back to where it was.

import { useEffect, useRef } from "./vendor/preact-hooks.mjs";

/** The ref for a <dialog>, `beside` the page instead of over it. The focus also goes back where what had it has been
 * drawn anew meanwhile, such as a road in the list. */
export function useModal(beside = false) {
  const dialog = useRef(/** @type {any} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    const road = before?.dataset.zone;
    const own = dialog.current;
    if (beside) own.show();
    else own.showModal();
    return () => {
      own.close();
      // After this round of drawing: the dialog is gone then, and the page can take the focus.
      setTimeout(() => {
        if (document.querySelector("dialog[open]")?.contains(document.activeElement)) return;
        const again = before?.isConnected ? before : road ? document.querySelector(`[data-zone="${CSS.escape(road)}"]`) : null;
        /** @type {HTMLElement | null} */ (again)?.focus({ preventScroll: true });
      });
    };
  }, []);
  return dialog;
}
