// What only the browser can be told: the page's language, for screen readers, and the reader's choice, for next time.
export default function (component) {
  const { language, cookie, chosen } = component.data;
  document.documentElement.lang = language;
  if (chosen) document.cookie = `${cookie}=${chosen}; path=/; max-age=31536000; samesite=lax`;
}
