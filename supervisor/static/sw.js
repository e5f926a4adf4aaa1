// @ts-check
// Service worker: shows alarms that the service sends while the app is closed. It keeps nothing.

const own = /** @type {any} */ (self);

own.addEventListener("push", (/** @type {any} */ event) => {
  const told = event.data?.json() ?? {};
  const urgent = told.event === "raised" || told.event === "again";
  event.waitUntil(
    own.registration.showNotification(told.title ?? "", {
      body: told.body,
      tag: told.tag, // a later message about the same alarm takes the place of the earlier one
      renotify: urgent,
      silent: !urgent,
      requireInteraction: urgent && told.severity === "critical",
      icon: "/static/icon.svg",
    }),
  );
});

own.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  const show = async () => {
    const open = await own.clients.matchAll({ type: "window", includeUncontrolled: true });
    if (!open.length) return own.clients.openWindow("/#alarms");
    await open[0].focus();
    open[0].postMessage("show-alarms");
  };
  event.waitUntil(show());
});
