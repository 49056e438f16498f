'use strict';
// Charts as SVG, drawn from arrays; each has a title for those who cannot see it.

const HUES = [205, 20, 145, 280, 45, 330, 180, 95];
const colour = (index) => `hsl(${HUES[index % HUES.length]} 55% 52%)`;
const W = 520, H = 220, LEFT = 44, BOTTOM = 26, TOP = 8;

function element(name, attributes = {}, ...children) {
  const svg = ['svg', 'g', 'path', 'line', 'rect', 'circle', 'text', 'title'].includes(name);
  const made = svg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function nice(most) {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= most);
}

const short = (value) => (value >= 10000 ? `${Math.round(value / 1000)}k` : String(Math.round(value * 100) / 100));

// The frame of a chart: a scale from 0 to `most` on the left, `labels` below.
function frame(title, labels, most) {
  const top = nice(most);
  const svg = element('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': title }, element('title', {}, title));
  const y = (value) => TOP + (H - BOTTOM - TOP) * (1 - value / top);
  for (let i = 0; i <= 4; i += 1) {
    const value = (top * i) / 4;
    svg.append(
      element('line', { class: 'grid', x1: LEFT, x2: W, y1: y(value), y2: y(value) }),
      element('text', { x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }, short(value)),
    );
  }
  const slot = (W - LEFT) / labels.length;
  const longest = Math.max(...labels.map((label) => label.length));
  const every = Math.max(1, Math.ceil((labels.length * (longest + 1) * 5.2) / (W - LEFT)));
  labels.forEach((label, i) => {
    if (i % every === 0) svg.append(element('text', { x: LEFT + slot * (i + 0.5), y: H - 8, 'text-anchor': 'middle' }, label));
  });
  return { svg, y, slot, x: (i) => LEFT + slot * (i + 0.5) };
}

// Lines over common labels; a series is { name, points: Map of label to value }.
function lines(title, labels, series) {
  const most = Math.max(...series.flatMap((one) => [...one.points.values()]));
  const { svg, y, x } = frame(title, labels, most);
  series.forEach((one, index) => {
    const known = labels.map((label, i) => [i, one.points.get(label)]).filter(([, value]) => value !== undefined);
    const path = known.map(([i, value], n) => `${n ? 'L' : 'M'}${x(i)} ${y(value)}`).join('');
    svg.append(element('path', { d: path, fill: 'none', stroke: colour(index), 'stroke-width': 2.2, 'stroke-linejoin': 'round' }));
    for (const [i, value] of known) {
      const what = element('title', {}, `${one.name}, ${labels[i]}: ${short(value)}`);
      svg.append(element('circle', { cx: x(i), cy: y(value), r: 3.5, fill: colour(index) }, what));
    }
  });
  return svg;
}

// Groups of bars: for each label one bar of each series.
function bars(title, labels, series) {
  const most = Math.max(...series.flatMap((one) => labels.map((label) => one.points.get(label) || 0)));
  const { svg, y, slot } = frame(title, labels, most);
  const width = (slot * 0.8) / series.length;
  series.forEach((one, index) => {
    labels.forEach((label, i) => {
      const value = one.points.get(label) || 0;
      const what = element('title', {}, `${one.name}, ${label}: ${short(value)}`);
      svg.append(element('rect', {
        x: LEFT + slot * (i + 0.1) + width * index, y: y(value), width: Math.max(width - 1, 0.5),
        height: Math.max(y(0) - y(value), 0), rx: 1.5, fill: colour(index),
      }, what));
    });
  });
  return svg;
}

function legend(names) {
  const items = names.map((name, index) => element('li', {}, element('i', { style: `background:${colour(index)}` }), name));
  return element('ul', { class: 'legend' }, ...items);
}
