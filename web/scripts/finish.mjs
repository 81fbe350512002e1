// After `vite build`: the packed runtime, the service worker with its list of files, and a check-sum of the sources.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(web, "../src/photosynth/serve/web");
const version = JSON.parse(readFileSync(join(web, "node_modules/onnxruntime-web/package.json"))).version;

const walk = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
  );
const sha256 = (data) => createHash("sha256").update(data).digest("hex");

for (const file of walk(out)) if (file.endsWith(".wasm")) rmSync(file); // 14 MB that only the packed copy replaces
const runtime = readFileSync(join(web, "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"));
writeFileSync(join(out, "assets", `ort-${version}.wasm.gz`), gzipSync(runtime, { level: 9 }));

const files = walk(out)
  .map((file) => relative(out, file).replaceAll("\\", "/"))
  .filter((file) => file !== "sw.js" && file !== "sources.json")
  .sort();
const content = sha256(files.map((file) => `${file} ${sha256(readFileSync(join(out, file)))}`).join("\n"));
const worker = readFileSync(join(web, "scripts/sw.js"), "utf8");
writeFileSync(
  join(out, "sw.js"),
  worker.replace("__VERSION__", content.slice(0, 12)).replace("__FILES__", JSON.stringify(files)),
);

// tests/e2e/test_page_build.py compares these with the sources, so that nobody forgets to build.
const sources = ["index.html", "package-lock.json", "vite.config.ts", "scripts", "src", "public"].flatMap((name) => {
  const path = join(web, name);
  return name.includes(".") ? [path] : walk(path);
});
const sums = Object.fromEntries(
  sources.map((file) => [relative(web, file).replaceAll("\\", "/"), sha256(readFileSync(file))]).sort(),
);
writeFileSync(join(out, "sources.json"), JSON.stringify(sums, null, 1) + "\n");

let total = 0;
for (const file of files) total += readFileSync(join(out, file)).length;
console.log(`${files.length} files, ${(total / 1e6).toFixed(2)} MB, shell ${content.slice(0, 12)}`);
