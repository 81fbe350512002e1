import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

const runtime = JSON.parse(readFileSync("node_modules/onnxruntime-web/package.json", "utf8")) as { version: string };

// The page is built into the Python package, from where `photosynth serve` and the wheel take it.
export default defineConfig({
  base: "./",
  define: { __RUNTIME__: JSON.stringify(`ort-${runtime.version}.wasm.gz`) },
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "production"] },
  build: {
    outDir: "../src/photosynth/serve/web",
    emptyOutDir: true,
    target: ["chrome100", "firefox115", "safari16.4"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // .mjs is unknown to some hosts, and to the web view of iPhones.
  worker: { format: "es", rollupOptions: { output: { assetFileNames: "assets/[name]-[hash].js" } } },
  server: { proxy: { "/v1": "http://127.0.0.1:8000", "/assets/ort-": "http://127.0.0.1:8000" } },
});
