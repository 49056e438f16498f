'use strict';
// Elements and texts: what all other files draw with.

const SVG = new Set(['svg', 'g', 'path', 'line', 'rect', 'circle', 'text', 'title']);

// An element with attributes and children; attributes that are null, undefined or false are left out.
function make(name, attributes = {}, ...children) {
  const made = SVG.has(name) ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ''));
  return made;
}

const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);
const last = (list) => list[list.length - 1];
const unique = (list) => [...new Set(list)];

// Numbers as people read them: 12,345 and 12.3k; shares with as many digits as they need.
const whole = (number) => Math.round(number).toLocaleString('en-US');
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const rate = (part, all) => (all ? percent(part / all, part / all < 0.1 ? 1 : 0) : '–');

function short(number) {
  const size = Math.abs(number);
  const trim = (value, digits) => String(Number(value.toFixed(digits)));
  if (size >= 1e6) return `${trim(number / 1e6, size < 1e7 ? 2 : 1)}M`;
  if (size >= 1e4) return `${trim(number / 1e3, size < 1e5 ? 1 : 0)}k`;
  if (size >= 100 || Number.isInteger(number)) return whole(number);
  if (size !== 0 && size < 0.001) return number.toExponential(0);
  return trim(number, size < 0.01 ? 4 : size < 1 ? 3 : size < 10 ? 2 : 1);
}

function clock(seconds) {
  const all = Math.round(seconds);
  const two = (number) => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

// A time on an axis: one unit, no more digits than it needs.
function span(seconds) {
  if (!seconds) return '0';
  const digits = (value) => (value < 10 ? String(Number(value.toFixed(1))) : whole(value));
  if (seconds >= 7200) return `${digits(seconds / 3600)} h`;
  return seconds >= 120 ? `${digits(seconds / 60)} min` : `${digits(seconds)} s`;
}

const milliseconds = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s` : `${ms} ms`);

// A table that scrolls inside its box. A column: { name, value(row) → text or node, number, wide }.
function table(columns, rows, caption) {
  const cell = (name, column, content, scope) => make(name, { class: [column.number && 'number', column.wide && 'wide'].filter(Boolean).join(' ') || null, scope }, content);
  const head = make('tr', {}, columns.map((column) => cell('th', column, column.name, 'col')));
  const line = (row) => make('tr', {}, columns.map((column, i) => {
    const content = column.value(row);
    return cell(i ? 'td' : 'th', column, content instanceof Node ? content : String(content), i ? null : 'row');
  }));
  return make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    make('table', {}, make('caption', {}, caption), make('thead', {}, head), make('tbody', {}, rows.map(line))));
}

const LEAN = /(--[^\n]*|\/-[\s\S]*?-\/)|\b(theorem|lemma|by|fun|let|have|show|from|with|at|intro|intros|exact|apply|refine|rw|simp|simp_all|simpa|omega|decide|grind|induction|cases|rcases|obtain|constructor|rfl|calc|match|next|case|unfold|exists|use|left|right|contradiction|exfalso|rename_i|split|subst|specialize|generalize|ext|funext|congr)\b|\b(Nat|Int|Bool|Prop|List|Option|Type|Sort|Fin|String|true|false|True|False|some|none)\b|\b(\d+)\b|\b(sorry)\b/g;

// Lean's text with its words in colours.
function lean(text) {
  const code = make('pre');
  let done = 0;
  for (const match of text.matchAll(LEAN)) {
    const kind = ['c', 'w', 't', 'n', 's'][match.slice(1).findIndex((group) => group !== undefined)];
    code.append(text.slice(done, match.index), make('span', { class: kind }, match[0]));
    done = match.index + match[0].length;
  }
  code.append(text.slice(done));
  return code;
}
