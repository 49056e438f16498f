'use strict';
// Bars: lists with a bar in each row, strips of parts, histograms, and lines as small as a word.

// A line of a few numbers, as small as a word: how something went over the rounds.
function spark(values, title) {
  const [width, height, pad] = [72, 18, 2];
  const most = Math.max(...values, 0) || 1;
  const x = (i) => pad + (values.length > 1 ? (i / (values.length - 1)) * (width - 2 * pad) : (width - 2 * pad) / 2);
  const y = (value) => height - pad - (value / most) * (height - 2 * pad);
  const end = values.length - 1;
  return make('svg', { class: 'spark', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': title },
    make('title', {}, title),
    make('path', { class: 'curve', d: path(values.map((value, i) => [x(i), y(value)])) }),
    make('circle', { cx: x(end), cy: y(values[end]), r: 2 }));
}

// A bar in a cell, as long as its share of the most.
function bar(share, colour = 'var(--s0)') {
  return make('span', { class: 'barcell', 'aria-hidden': 'true' }, make('span', { style: `width:${Math.max(share * 100, share ? 0.6 : 0)}%;background:${colour}` }));
}

// Parts of a whole beside each other: { name, count, colour }.
function strip(parts) {
  const all = sum(parts.map((part) => part.count));
  const title = parts.map((part) => `${part.name} ${whole(part.count)}`).join(', ');
  const piece = (part) => (part.count ? make('span', { style: `flex-grow:${part.count};background:${part.colour}` }) : null);
  return make('span', { class: 'strip', role: 'img', 'aria-label': title, title: `${title} (${whole(all)} in all)` }, parts.map(piece));
}

// What the colours of a strip mean.
function key(parts) {
  return make('ul', { class: 'key' }, parts.map((part) => make('li', {}, make('i', { style: `background:${part.colour}` }), part.name)));
}

// Bars of counts with their numbers above: series stand on each other. { counts, colour, name } each.
function histogram(width, title, labels, series) {
  const [height, top, bottom] = [104, 16, 18];
  const slot = width / labels.length;
  const totals = labels.map((_, i) => sum(series.map((one) => one.counts[i])));
  const most = Math.max(...totals, 1);
  const y = (count) => height - bottom - (count / most) * (height - top - bottom);
  const svg = make('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', class: 'histogram', 'aria-label': `${title}: ${labels.map((label, i) => `${label}: ${totals[i]}`).join(', ')}`, 'data-most': most });
  svg.append(make('line', { class: 'axis', x1: 0, x2: width, y1: height - bottom, y2: height - bottom }));
  labels.forEach((label, i) => {
    let under = 0;
    for (const one of series) {
      const count = one.counts[i];
      if (count) {
        svg.append(make('rect', { x: i * slot + 1, width: Math.max(slot - 2, 1), y: y(under + count), height: y(under) - y(under + count), fill: one.colour },
          make('title', {}, `${one.name}, ${label}: ${count}`)));
      }
      under += count;
    }
    if (totals[i]) svg.append(make('text', { class: 'count', x: (i + 0.5) * slot, y: y(totals[i]) - 3, 'text-anchor': 'middle' }, String(totals[i])));
  });
  for (const [at, text, anchor] of [[0, '0 %', 'start'], [0.5, '50 %', 'middle'], [1, '100 %', 'end']]) {
    svg.append(make('text', { class: 'faint', x: at * width, y: height - 4, 'text-anchor': anchor }, text));
  }
  return svg;
}

// Rows with a bar each: { name, count, detail, values (over rounds), open (what is shown below) }.
function barList(rows, all, title, rounds, kind) {
  const most = Math.max(...rows.map((row) => row.count), 1);
  const line = (row) => [
    make('span', { class: 'name' }, row.name, row.detail ? make('small', {}, row.detail) : ''),
    bar(row.count / most, kind),
    make('span', { class: 'number' }, whole(row.count)),
    make('span', { class: 'number soft' }, rate(row.count, all)),
    row.values.length > 1 ? spark(row.values, `share of each round's proofs, ${rounds}: ${row.values.map((value) => percent(value)).join(', ')}`) : make('span'),
  ];
  return make('div', { class: 'barlist', role: 'list', 'aria-label': title }, rows.map((row) => {
    if (!row.open) return make('div', { class: 'row', role: 'listitem' }, line(row));
    const details = make('details', { open: state.get('fail') === row.id }, make('summary', { class: 'row' }, line(row)), row.open);
    details.addEventListener('toggle', () => {
      if (details.open) state.set({ fail: row.id });
      else if (state.get('fail') === row.id) state.set({ fail: '' });
    });
    return make('div', { role: 'listitem' }, details);
  }));
}
