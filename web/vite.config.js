import { defineConfig } from "vite";

// Names without a hash for what templates name; what is loaded later has one.
export default defineConfig({
  base: "/static/built/",
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
