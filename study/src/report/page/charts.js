'use strict';
// Curves as SVG, as wide as their place: axes that fit the data, bands, reference lines, and a pointer that reads values.

const charts = [];
const HEIGHT = 216;
const MARGIN = { top: 14, right: 44, bottom: 34, left: 46 };

// Draws into a figure now and whenever its width changes.
function figure(title, note, draw) {
  const place = make('div', { class: 'chart' });
  charts.push({ place, draw, width: 0 });
  return make('figure', {}, make('figcaption', {}, make('b', {}, title), note ? make('span', {}, note) : null), place);
}

function drawCharts() {
  for (const chart of charts) {
    const width = Math.floor(chart.place.clientWidth);
    if (!width || width === chart.width || !chart.place.isConnected) continue;
    chart.width = width;
    chart.place.replaceChildren(chart.draw(width));
  }
}

// The step of 1, 2 or 5 times a power of ten that divides a range into about as many parts.
function niceStep(range, parts) {
  const rough = range / Math.max(1, parts);
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= rough * 0.999);
}

// A domain that holds the data and not much else; it begins at 0 only where the data are not far from it.
function fitted(values, parts) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (low >= 0 && low < 0.4 * high) low = 0;
  if (high === low) [low, high] = high ? [Math.min(0.9 * high, 1.1 * high), Math.max(0.9 * high, 1.1 * high)] : [0, 1];
  const step = niceStep(high - low, parts);
  return { low: Math.floor(low / step + 1e-9) * step, high: Math.ceil(high / step - 1e-9) * step, step };
}

function ticks(low, high, step) {
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const path = (points) => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

// Curves. A series: { name, colour, dash, points: [{ x, y, low, high, label, apart }] }; what is `apart` is a mark of its own.
// Options: x { name, format, names }, y { format, parts }, lines [{ y, name }], marks [{ x, name }], envelope.
function curves(width, title, series, options) {
  const { lines = [], marks = [], x: across, y: up } = options;
  const points = series.flatMap((one) => one.points);
  const values = points.flatMap((point) => [point.y, point.low, point.high]).concat(lines.map((line) => line.y)).filter(Number.isFinite);
  const xs = points.map((point) => point.x);
  const domain = fitted(values, up.parts || 4);
  const [left, right] = [MARGIN.left, width - MARGIN.right - 6];
  const [x0, x1] = [Math.min(...xs), Math.max(...xs) === Math.min(...xs) ? Math.min(...xs) + 1 : Math.max(...xs)];
  const px = (value) => left + ((value - x0) / (x1 - x0)) * (right - left);
  const py = (value) => HEIGHT - MARGIN.bottom - ((value - domain.low) / (domain.high - domain.low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const extent = [Math.min(...values), Math.max(...values)];
  const svg = make('svg', {
    viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: 'img', tabindex: 0, class: 'curves',
    'aria-label': `${title}. ${series.map((one) => `${one.name}: ${up.format(last(one.points).y)} at the end`).join('; ')}. Arrow keys read values.`,
    'data-domain': `${domain.low} ${domain.high}`, 'data-extent': extent.join(' '),
  });
  for (const value of ticks(domain.low, domain.high, domain.step)) {
    svg.append(make('line', { class: 'grid', x1: left, x2: width - MARGIN.right, y1: py(value), y2: py(value) }),
      make('text', { x: left - 8, y: py(value) + 4, 'text-anchor': 'end' }, up.format(value)));
  }
  svg.append(...xAxis(across, { px, x0, x1, left, right, end: width - MARGIN.right }));
  for (const mark of marks.filter((it) => it.x >= x0 && it.x <= x1)) {
    svg.append(make('line', { class: 'mark', x1: px(mark.x), x2: px(mark.x), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }, make('title', {}, mark.name)));
  }
  let labelled = -Infinity;
  for (const mark of marks.filter((it) => it.x >= x0 && it.x <= x1)) {
    const size = mark.name.length * 6;
    if (px(mark.x) < labelled || px(mark.x) + size > width) continue;
    svg.append(make('text', { class: 'faint', x: px(mark.x) + 4, y: MARGIN.top - 3 }, mark.name));
    labelled = px(mark.x) + size + 10;
  }
  for (const one of series) svg.append(...curve(one, px, py, options));
  for (const line of lines) {
    svg.append(make('line', { class: 'reference', x1: left, x2: width - MARGIN.right, y1: py(line.y), y2: py(line.y) }));
    const above = py(line.y) > MARGIN.top + 16;
    svg.append(make('text', { class: 'reference halo', x: width - MARGIN.right, y: py(line.y) + (above ? -5 : 13), 'text-anchor': 'end' }, line.name));
  }
  svg.append(...ends(series, px, py, up.format, width - MARGIN.right + 7));
  readable(svg, series, { px, py, across, up });
  return svg;
}

// Whole rounds by their names, numbers by ticks.
function xAxis(across, { px, x0, x1, left, right, end }) {
  const y = HEIGHT - MARGIN.bottom;
  const found = [make('line', { class: 'axis', x1: left, x2: end, y1: y, y2: y })];
  const label = (value, text, anchor) => found.push(
    make('line', { class: 'axis', x1: px(value), x2: px(value), y1: y, y2: y + 4 }),
    make('text', { x: px(value), y: y + 16, 'text-anchor': anchor }, text));
  if (across.names) {
    const every = Math.ceil((across.names.length * 8.4 * Math.max(...across.names.map((name) => name.length))) / (right - left));
    across.names.forEach((name, i) => {
      if (i % every === 0 && i >= x0 && i <= x1) label(i, name, i ? 'middle' : 'start');
    });
  } else {
    const unit = across.isTime ? (x1 >= 7200 ? 3600 : x1 >= 120 ? 60 : 1) : 1;
    const step = niceStep((x1 - x0) / unit, (right - left) / 72) * unit;
    for (const value of ticks(x0, x1, across.integer ? Math.max(1, step) : step)) label(value, across.format(value), 'middle');
  }
  found.push(make('text', { class: 'faint', x: end, y: HEIGHT - 3, 'text-anchor': 'end' }, across.name));
  return found;
}

function curve(one, px, py, options) {
  const found = [];
  const joined = one.points.filter((point) => !point.apart);
  const banded = joined.filter((point) => Number.isFinite(point.low));
  if (banded.length > 1) {
    const around = [...banded.map((p) => [px(p.x), py(p.high)]), ...banded.map((p) => [px(p.x), py(p.low)]).reverse()];
    found.push(make('path', { class: 'band', d: `${path(around)}Z`, fill: one.colour }));
  }
  found.push(make('path', { class: 'curve', d: path(joined.map((p) => [px(p.x), py(p.y)])), stroke: one.colour, 'stroke-dasharray': one.dash }));
  if (one.points.length > 40) return found;
  for (const point of one.points) {
    if (point.apart && Number.isFinite(point.low)) {
      found.push(make('line', { class: 'whisker', x1: px(point.x), x2: px(point.x), y1: py(point.low), y2: py(point.high), stroke: one.colour }));
    }
    const look = point.apart ? { class: 'hollow', stroke: one.colour } : { fill: one.colour };
    found.push(make('circle', { cx: px(point.x), cy: py(point.y), r: options.small ? 2 : 3.2, ...look }));
  }
  return found;
}

// The last value of each curve, in the margin beside its end, moved apart where they would lie over each other.
function ends(series, px, py, format, x) {
  const labels = series.map((one) => {
    const point = last(one.points.filter((it) => !it.apart)) || last(one.points);
    return { y: py(point.y) + 4, text: format(point.y), colour: one.colour };
  }).sort((a, b) => a.y - b.y);
  const [top, bottom] = [MARGIN.top + 4, HEIGHT - MARGIN.bottom + 4];
  labels.forEach((label, i) => { label.y = Math.max(label.y, i ? labels[i - 1].y + 13 : top); });
  labels.reverse().forEach((label, i) => { label.y = Math.min(label.y, i ? labels[i - 1].y - 13 : bottom); });
  return labels.map((label) => make('text', { class: 'end', x, y: label.y, style: `fill:${label.colour}` }, label.text));
}

// A line that follows the pointer or the arrow keys, and a box with the values there.
function readable(svg, series, { px, py, across, up }) {
  const places = unique(series.flatMap((one) => one.points.map((point) => point.x))).sort((a, b) => a - b);
  const rule = make('line', { class: 'rule', y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: 'hidden' });
  svg.append(rule);
  let at = -1;
  const tip = document.getElementById('tip');
  const hide = () => {
    tip.hidden = true;
    rule.setAttribute('visibility', 'hidden');
    at = -1;
  };
  const show = (index) => {
    at = Math.max(0, Math.min(places.length - 1, index));
    const x = places[at];
    const box = svg.getBoundingClientRect();
    const line = (one) => {
      const point = one.points.reduce((best, it) => (Math.abs(it.x - x) <= Math.abs(best.x - x) ? it : best));
      const band = Number.isFinite(point.low) ? ` (${up.format(point.low)}–${up.format(point.high)})` : '';
      return make('div', {}, make('i', { style: `background:${one.colour}` }), `${series.length > 1 ? `${one.name}: ` : ''}${up.exact ? up.exact(point.y) : up.format(point.y)}${band}`, point.label ? make('small', {}, point.label) : '');
    };
    tip.replaceChildren(make('b', {}, across.names ? across.names[x] : `${across.format(x)} ${across.unit || ''}`), ...series.map(line));
    tip.hidden = false;
    rule.setAttribute('x1', px(x));
    rule.setAttribute('x2', px(x));
    rule.setAttribute('visibility', 'visible');
    const side = box.left + px(x) + 14;
    tip.style.left = `${Math.min(side, document.documentElement.clientWidth - tip.offsetWidth - 8) + scrollX}px`;
    tip.style.top = `${box.top + scrollY + MARGIN.top}px`;
  };
  svg.addEventListener('pointermove', (event) => {
    const x = event.clientX - svg.getBoundingClientRect().left;
    show(places.reduce((best, place, i) => (Math.abs(px(place) - x) < Math.abs(px(places[best]) - x) ? i : best), 0));
  });
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('blur', hide);
  svg.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (event.key === 'Escape') hide();
    if (by === undefined) return;
    event.preventDefault();
    show(at < 0 ? (by > 0 ? 0 : places.length - 1) : at + by);
  });
}
