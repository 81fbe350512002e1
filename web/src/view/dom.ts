/** Building blocks of the page. */

type Child = Node | string | null | false | undefined;
type Props = Record<string, unknown>;

/** An element: attributes, on… listeners, children; null and false are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value as EventListener);
    else if (name === "style") element.style.cssText = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false && child !== undefined));
  return element;
}

const PATHS = {
  camera: "M4 8h3l2-3h6l2 3h3a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1Z M12 17a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z",
  photo: "M4 4h16a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1Z M3 17l5-5 4 4 3-3 6 6 M16 9.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Z",
  history: "M12 7v5l3 2 M3.5 9a9 9 0 1 1-.5 3 M3 4v5h5",
  turn: "M4 10a8 8 0 0 1 14-3l2 2 M20 4v5h-5 M20 14a8 8 0 0 1-14 3l-2-2 M4 20v-5h5",
  close: "M6 6l12 12 M18 6 6 18",
  more: "M4 7h10 M18 7h2 M4 17h2 M10 17h10 M16 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z M8 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  device: "M8 2h8a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2Z M11 18.5h2",
  server: "M7 18a4 4 0 0 1-.5-8A6 6 0 0 1 18 9a4.5 4.5 0 0 1-.5 9Z",
  alert: "M12 8v5 M12 16.5v.1 M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  check: "M5 12.5l4.5 4.5L19 7.5",
} as const;

/** A line drawing, hidden from screen readers. */
export function icon(name: keyof typeof PATHS): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A round button with a drawing and a name for screen readers. */
export function iconButton(name: keyof typeof PATHS, label: string, onclick: () => void, more: Props = {}): HTMLButtonElement {
  return h("button", { type: "button", class: "round", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

/** A picture of a blob; its URL is given back when the element is thrown away by `release`. */
export function blobImage(blob: Blob, alt: string, more: Props = {}): HTMLImageElement {
  const url = URL.createObjectURL(blob);
  return h("img", { src: url, alt, "data-blob": url, ...more });
}

/** Empty an element and give its blob URLs back. */
export function release(element: Element): void {
  element.querySelectorAll("[data-blob]").forEach((image) => URL.revokeObjectURL(image.getAttribute("data-blob")!));
  element.replaceChildren();
}

/** A sheet: a modal dialog with a title and a close button; its body is filled at each opening. */
export class Sheet {
  readonly body = h("div", { class: "sheet-body", tabindex: "-1" });
  private readonly heading = h("h2", { tabindex: "-1" });
  readonly element: HTMLDialogElement;

  constructor(id: string, closeLabel: string, private readonly onclose: () => void = () => undefined) {
    this.heading.id = `${id}-title`;
    const head = h("header", {}, this.heading, iconButton("close", closeLabel, () => this.close()));
    this.element = h("dialog", { id, class: "sheet", "aria-labelledby": this.heading.id }, head, this.body);
    this.element.addEventListener("close", () => {
      release(this.body);
      this.onclose();
    });
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.close(); // beside the sheet
    });
    document.body.append(this.element);
  }

  get isOpen(): boolean {
    return this.element.open;
  }

  show(title: string, ...children: Child[]): void {
    this.heading.textContent = title;
    release(this.body);
    this.body.append(...children.filter((c): c is Node | string => Boolean(c)));
    if (!this.element.open) this.element.showModal();
    this.heading.focus();
    this.body.scrollTop = 0;
  }

  close(): void {
    if (this.element.open) this.element.close();
  }
}
