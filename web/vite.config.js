import { defineConfig } from "vite";

const OWN_STYLE = "document.querySelector('style[data-openseadragon-mobile-css]')";

/** OpenSeadragon puts a style element into the page, which the policy forbids; page.css has what is in it. */
const withoutOwnStyle = {
  name: "without-own-style",
  transform(code, id) {
    if (!id.includes("openseadragon.js")) return null;
    if (!code.includes(OWN_STYLE)) throw new Error("OpenSeadragon has changed: look for the style element it puts in");
    return { code: code.replace(OWN_STYLE, "true"), map: null };
  },
};

// Names without a hash for what templates name; what is loaded later has one.
export default defineConfig({
  base: "/static/built/",
  plugins: [withoutOwnStyle],
  build: {
    outDir: "../src/sherd/server/static/built",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    license: { fileName: "licences.md" },
    rollupOptions: {
      input: { page: "src/page.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "later/[name]-[hash].js",
        assetFileNames: (asset) => (asset.names.includes("page.css") ? "page.css" : "later/[name]-[hash][extname]"),
      },
    },
  },
});
