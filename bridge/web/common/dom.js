// Finding and making elements of the page. Texts are set by textContent only.

/** The element with an id. @param {string} id */
export const byId = (id) => elementOf(id, HTMLElement);

/**
 * The element with an id, as one of a kind. Throws where the page has none of it.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {{new (): T}} kind
 */
export function elementOf(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`no ${kind.name} with the id ${id}`);
  return found;
}

/**
 * The element that a key press is meant for; null while a dialog is open, which has the keys. A dialog that
 * was just closed keeps the focus until the page is drawn again, which takes a busy machine a while: what
 * is pressed then is meant for the page.
 * @param {KeyboardEvent} event
 */
export function keyTarget({ target }) {
  if (document.querySelector("dialog[open]")) return null;
  const element = /** @type {HTMLElement} */ (target);
  return element.closest("dialog") ? document.body : element;
}

/**
 * A new element, at the end of `parent` where one is given.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [className]
 * @param {Element} [parent]
 */
export function make(tag, className = "", parent = undefined) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  parent?.append(element);
  return element;
}

/**
 * A new element with a text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {string} text
 * @param {Element} [parent]
 */
export function makeText(tag, className, text, parent = undefined) {
  const element = make(tag, className, parent);
  element.textContent = text;
  return element;
}

/**
 * A header cell of a table's column or row.
 * @param {string} text
 * @param {"col" | "row"} scope
 * @param {Element} [parent]
 */
export function makeHeader(text, scope, parent = undefined) {
  const cell = makeText("th", "", text, parent);
  cell.scope = scope;
  return cell;
}

/**
 * A picture without sound, which comes from the audio slots.
 * @param {Element} parent
 * @param {string} label  for assistants; without one they pass over it
 */
export function makeVideo(parent, label) {
  const video = make("video", "picture", parent);
  video.autoplay = true;
  video.muted = true;
  video.playsInline = true;
  if (label) video.setAttribute("aria-label", label);
  else video.setAttribute("aria-hidden", "true");
  return video;
}

/**
 * Set a text only where it differs: screen readers read every change.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set a mark on a tile. It is no text for assistants, which read the tile's label: that says all
 * of it in words, and a label must begin with what is written (WCAG 2.5.3).
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setMark(element, text) {
  if (element.dataset.mark !== text) element.dataset.mark = text;
}

/**
 * Fill a list anew only where what it shows has changed, so that focus and clicks survive.
 * @param {HTMLElement} list
 * @param {unknown} shown  everything that the content depends on
 * @param {() => void} fill
 */
export function refill(list, shown, fill) {
  const key = JSON.stringify(shown);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren();
  fill();
}
