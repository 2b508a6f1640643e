"use strict";

const place = document.getElementById("api");
const font = "system-ui, -apple-system, 'Segoe UI', 'Hiragino Sans', 'Noto Sans JP', sans-serif";

Redoc.init("openapi.json", {
  nonce: document.currentScript.nonce, // of the styles that Redoc makes
  disableSearch: true, // it would need a worker
  expandResponses: "200,201,202",
  hideHostname: true,
  jsonSamplesExpandLevel: 4,
  sortRequiredPropsFirst: true,
  theme: {
    typography: {
      fontFamily: font,
      headings: { fontFamily: font },
      code: { fontFamily: "ui-monospace, Menlo, Consolas, monospace" },
    },
  },
}, place, (error) => {
  if (error) {
    place.innerHTML = "<p class='failed'>The description cannot be shown. It is at <a href='openapi.json'>openapi.json</a>.</p>";
  }
});
