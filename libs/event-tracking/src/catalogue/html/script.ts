/**
 * The script of the pages. It adds the search, a combobox with a list box, and opens details before
 * printing.
 *
 * @see {@link https://www.w3.org/WAI/ARIA/apg/patterns/combobox/}
 */
export const SCRIPT = `'use strict';
(() => {
  const entries = globalThis.eventCatalogue ?? [];
  const root = document.body.dataset.root;
  const box = document.querySelector('.search');
  const input = box.querySelector('input');
  const panel = box.querySelector('.results');
  const list = box.querySelector('[role=listbox]');
  const status = box.querySelector('[role=status]');
  const MOST = 12;
  let found = [];
  let active = -1;

  function score(entry, word) {
    const name = entry.name.toLowerCase();
    if (name === word || entry.ids.some((id) => id.toLowerCase() === word)) return 100;
    if (name.startsWith(word)) return 80;
    if (name.split(/[._-]/).some((part) => part.startsWith(word))) return 60;
    if (name.includes(word)) return 50;
    if (word.length > 3 && entry.ids.some((id) => id.toLowerCase().startsWith(word))) return 45;
    if (entry.fields.some((field) => field.toLowerCase().includes(word))) return 40;
    return entry.description.toLowerCase().includes(word) ? 20 : 0;
  }

  function search(text) {
    const words = text.toLowerCase().split(/\\s+/).filter((word) => word !== '');
    if (words.length === 0) return [];
    return entries
      .map((entry) => ({ entry, scores: words.map((word) => score(entry, word)) }))
      .filter(({ scores }) => scores.every((each) => each > 0))
      .map(({ entry, scores }) => ({ entry, sum: scores.reduce((a, b) => a + b, 0) - (entry.retired ? 10 : 0) }))
      .sort((a, b) => b.sum - a.sum || (a.entry.name < b.entry.name ? -1 : 1))
      .map(({ entry }) => entry);
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function optionOf(entry, index, words) {
    const option = element('li', '', '');
    option.id = 'result-' + index;
    option.setAttribute('role', 'option');
    option.setAttribute('aria-selected', 'false');
    const head = element('span', 'head', '');
    head.append(element('span', 'name', entry.name), element('span', 'kind', entry.retired ? 'retired ' + entry.kind : entry.kind));
    option.append(head);
    const named = (word) => entry.name.toLowerCase().includes(word);
    const fields = entry.fields.filter((field) => words.some((word) => !named(word) && field.toLowerCase().includes(word)));
    option.append(element('span', 'summary', fields.length > 0 ? 'Field ' + fields.join(', ') : entry.summary));
    option.addEventListener('mousedown', (event) => event.preventDefault());
    option.addEventListener('click', () => open(index));
    return option;
  }

  function show() {
    const words = input.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
    found = search(input.value);
    const shown = found.slice(0, MOST);
    list.replaceChildren(...shown.map((entry, index) => optionOf(entry, index, words)));
    const isAsked = words.length > 0;
    const isOpen = isAsked && shown.length > 0;
    panel.querySelector('.more')?.remove();
    if (isAsked && found.length === 0) panel.append(element('p', 'more', 'Nothing is called so, and no field and no id is.'));
    if (found.length > MOST) panel.append(element('p', 'more', found.length - MOST + ' more: say more of the name.'));
    list.hidden = !isOpen;
    panel.hidden = !isAsked;
    input.setAttribute('aria-expanded', String(isOpen));
    status.textContent = isAsked ? found.length + (found.length === 1 ? ' result' : ' results') : '';
    choose(isOpen ? 0 : -1);
  }

  function choose(index) {
    list.children[active]?.setAttribute('aria-selected', 'false');
    active = index;
    const option = list.children[index];
    if (option === undefined) {
      input.removeAttribute('aria-activedescendant');
      return;
    }
    option.setAttribute('aria-selected', 'true');
    option.scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', option.id);
  }

  function close() {
    panel.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    choose(-1);
  }

  function open(index) {
    const entry = found[index];
    if (entry === undefined) return;
    const asked = input.value.trim().toLowerCase();
    const id = entry.ids.find((each) => each.toLowerCase() === asked);
    location.href = root + entry.page + (id === undefined ? '' : '#version-' + id);
  }

  const KEYS = {
    ArrowDown: () => (panel.hidden ? show() : choose((active + 1) % list.children.length)),
    ArrowUp: () => choose((active - 1 + list.children.length) % list.children.length),
    Enter: () => open(active),
    Escape: () => (panel.hidden ? input.blur() : close()),
  };

  input.addEventListener('input', show);
  input.addEventListener('focus', () => input.value !== '' && show());
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (event) => {
    const act = KEYS[event.key];
    if (act === undefined || event.isComposing) return;
    event.preventDefault();
    act();
  });
  document.addEventListener('keydown', (event) => {
    const isWriting = /^(input|textarea|select)$/i.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key !== '/' || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
  addEventListener('pageshow', () => {
    input.value = '';
    close();
  });
  box.hidden = false;

  let closed = [];
  addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('.versions details:not([open])')];
    for (const each of closed) each.open = true;
  });
  addEventListener('afterprint', () => {
    for (const each of closed) each.open = false;
  });

  /** A link to a version of which only a line is shown opens it. */
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target?.querySelector(':scope > details');
    if (details) details.open = true;
  }
  addEventListener('hashchange', reveal);
  reveal();
})();
`;
