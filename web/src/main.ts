/** Entry: the app, and the service worker that lets it start without a network. */

import "./style.css";
import { App } from "./app";
import { inApp } from "./server";

const app = new App();
(window as { photosynth?: App }).photosynth = app; // for tests, and for the curious
void app.start();

if ("serviceWorker" in navigator && import.meta.env.PROD && !inApp) {
  addEventListener("load", () => void navigator.serviceWorker.register("sw.js").catch(() => undefined));
}
