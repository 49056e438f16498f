'use strict';
// The figures that runs are judged by, and runs side by side.

// What curves are drawn over.
const AXES = {
  checks: { name: 'checks', unit: 'checks', format: short, of: (point) => point.checks, integer: true, about: 'proof texts judged by Lean: samples, automation, wholes, refutations, trivialities' },
  cpu: { name: 'CPU time', isTime: true, format: span, of: (point) => point.cpu_seconds, about: 'CPU time of the program and of Lean' },
  lean: { name: 'Lean time', isTime: true, format: span, of: (point) => point.lean_seconds, about: 'time that Lean took for these checks' },
  wall: { name: 'wall time', isTime: true, format: span, of: (point) => point.seconds, about: 'wall time of all finished steps' },
  rounds: { name: 'rounds', about: 'models in their order' },
};

// Runs of older versions did not keep their CPU time.
const axes = () => Object.keys(AXES).filter((name) => name !== 'cpu' || shownRuns().every((one) => one.run.headline.points.every((point) => point.cpu_seconds !== null)));

const axisNow = () => AXES[axes().find((name) => name === state.get('x'))] || AXES.checks;

function axisSwitch() {
  const choose = (name) => make('button', {
    type: 'button', 'aria-pressed': String(axisNow() === AXES[name]), title: AXES[name].about,
    onclick: () => {
      state.set({ x: name === 'checks' ? '' : name });
      drawAll();
      document.querySelector('.switch [aria-pressed=true]').focus();
    },
  }, AXES[name].name);
  return make('div', { class: 'switch', role: 'group', 'aria-label': 'Horizontal axis of the curves' }, make('span', {}, 'Curves over'), axes().map(choose));
}

// The models of all runs by their order: stage 1, round 1, …, final.
function models(runs) {
  const most = Math.max(...runs.map((one) => Math.max(...one.run.headline.points.filter((point) => !point.is_final).map((point) => point.round), 0)));
  const names = ['stage 1', ...Array.from({ length: most }, (_, i) => String(i + 1))];
  return runs.some((one) => one.run.headline.points.some((point) => point.is_final)) ? [...names, 'final'] : names;
}

function overRuns(width, title, value, options) {
  const runs = shownRuns().filter((one) => one.run.headline.points.length);
  if (!runs.length) return make('p', { class: 'soft' }, 'No model has been measured yet.');
  const axis = axisNow();
  const names = axis === AXES.rounds ? models(runs) : null;
  const series = runs.map((one) => ({
    name: one.key, colour: one.colour, dash: one.dash,
    points: one.run.headline.points.filter((point) => options.final || !point.is_final).map((point) => ({
      x: names ? (point.is_final ? names.length - 1 : point.round) : axis.of(point), label: point.label,
      apart: point.is_final, ...value(point, one.run),
    })),
  }));
  const known = names && !options.final && last(names) === 'final' ? names.slice(0, -1) : names;
  const lines = unique(runs.map((one) => options.line && options.line(one.run.headline)).filter((y) => Number.isFinite(y))).map((y) => ({ y, name: `single tactics: ${options.y.format(y)}` }));
  return curves(width, title, series, { x: { ...axis, names: known }, y: options.y, lines });
}

function headlineCharts() {
  const [first] = data.runs;
  const count = { format: short, exact: whole };
  const k = first.headline.samples;
  const share = (of) => (point) => ({ y: of(point).count, low: of(point).low, high: of(point).high });
  const proved = `of ${unique(data.runs.map((run) => run.headline.given)).map(whole).join(' or ')} given`;
  const valid = `of ${unique(data.runs.map((run) => run.headline.valid)).map(whole).join(' or ')} held out, each model anew`;
  return make('div', { class: 'grid three' },
    figure('Proved so far', proved, (width) => overRuns(width, 'Given statements proved so far', share((point) => point.proved), { y: count, line: (it) => it.tactics && it.tactics.given })),
    figure('New since stage 1', 'without a given proof', (width) => overRuns(width, 'Statements proved that came without a proof', (point) => ({ y: point.new, label: point.new_hard === null ? point.label : `${point.label}, ${whole(point.new_hard)} hard` }), { y: count })),
    figure(`valid pass@${k}`, valid, (width) => overRuns(width, `Validation statements proved in ${k} samples`, share((point) => point.valid), { final: true, y: count, line: (it) => it.tactics && it.tactics.valid })));
}

function tile(name, value, unit, ...notes) {
  return make('div', { class: 'tile' }, make('h3', {}, name), make('p', { class: 'value' }, value, unit ? make('small', {}, unit) : ''), notes.filter(Boolean).map((note) => make('p', {}, note)));
}

// The figures of the only run, or of the one that details are of.
function tiles(run) {
  const { points, given, valid, samples, tactics, given_proofs: withProof } = run.headline;
  if (!points.length) return make('p', { class: 'soft' }, 'No model has been measured yet: figures come with the first.');
  const now = last(points);
  const best = points.reduce((a, b) => (b.valid.count >= a.valid.count ? b : a));
  const band = (share, all) => `95 %: ${percent(share.low / all)} to ${percent(share.high / all)}`;
  const versus = (count, baseline) => {
    const more = count - baseline;
    return `${more >= 0 ? '+' : '−'}${whole(Math.abs(more))} against single tactics (${whole(baseline)})`;
  };
  const unproved = given - withProof;
  return make('div', { class: 'tiles' },
    tile('Proved', whole(now.proved.count), ` of ${whole(given)}`, given ? band(now.proved, given) : '', tactics ? versus(now.proved.count, tactics.given) : ''),
    tile('New since stage 1', whole(now.new), unproved ? ` of ${whole(unproved)}` : '', unproved ? `${rate(now.new, unproved)} of what came without a proof` : '', now.new_hard === null ? '' : `${whole(now.new_hard)} of these no single tactic closes`),
    tile(`valid pass@${samples}`, percent(valid ? best.valid.count / valid : 0), ` ${whole(best.valid.count)} of ${whole(valid)}`, valid ? `${band(best.valid, valid)} · ${best.label}, the best` : '', tactics ? versus(best.valid.count, tactics.valid) : ''),
    tile('Spent', short(now.checks), ' checks', `${span(now.lean_seconds)} of Lean, ${span(now.seconds)} in all`, now.checks ? `${short((1000 * now.new) / now.checks)} new statements for 1,000 checks` : ''));
}

function overview(place) {
  const notes = [
    'Bands and whiskers are 95 % intervals (Wilson) of what as many other statements of the kind would give; they say nothing of other seeds. ',
    data.runs.some((run) => run.headline.tactics) ? 'Dashed: what Lean\'s single tactics prove, each alone. ' : '',
    'A hollow point is the final model.',
  ];
  place.append(several() ? comparison() : tiles(data.runs[0]), axisSwitch(), headlineCharts(), make('p', { class: 'note' }, notes.join('')));
}

// Runs as rows: where each is now.
function comparison() {
  const swatch = (one) => make('span', { class: 'swatch' }, make('i', { style: `background:${one.colour}` }), one.key);
  const number = (name, value) => ({ name, number: true, value: (one) => (one.run.headline.points.length ? value(one.run.headline, last(one.run.headline.points), one.run) : '–') });
  const best = (of) => of.points.reduce((a, b) => (b.valid.count >= a.valid.count ? b : a));
  const columns = [
    { name: 'run', value: swatch },
    { name: 'method', value: (one) => `${one.run.method}, seed ${one.run.seed}` },
    number('rounds', (of, now, run) => `${Math.max(...of.points.filter((point) => !point.is_final).map((point) => point.round))}/${run.rounds}`),
    number('proved', (of, now) => `${whole(now.proved.count)} of ${whole(of.given)}`),
    number('new', (of, now) => whole(now.new)),
    number('new, hard', (of, now) => (now.new_hard === null ? '–' : whole(now.new_hard))),
    number(`best valid pass@${data.runs[0].headline.samples}`, (of) => `${whole(best(of).valid.count)} · ${rate(best(of).valid.count, of.valid)}`),
    number('valid pass@1', (of) => percent(Math.max(...of.points.map((point) => point.pass_at_1)))),
    number('checks', (of, now) => short(now.checks)),
    number('wall time', (of, now) => clock(now.seconds)),
  ];
  return table(columns, shownRuns(), 'Runs side by side');
}

// The settings in which runs differ.
function settings(place) {
  if (!several()) return false;
  const shown = shownRuns().map((one) => keys.indexOf(one.key));
  const columns = [{ name: 'setting', value: (row) => make('code', {}, row.key) }, ...shown.map((i) => ({
    name: keys[i], value: (row) => make('code', { class: row.values[i] === null ? 'soft' : null }, row.values[i] === null ? 'not set' : row.values[i]),
  }))];
  place.append(data.differing.length
    ? table(columns, data.differing, 'Settings that differ; all others are the same')
    : make('p', { class: 'soft' }, 'All settings of these runs are the same.'));
  return true;
}

// Every model of every run.
function modelTable(place) {
  const rows = shownRuns().flatMap((one) => one.run.report.rows.map((row) => ({ run: one.key, of: one.run.report, ...row })));
  if (!rows.length) return false;
  const number = (name, value) => ({ name, number: true, value });
  const columns = [
    { name: 'model', value: (row) => row.label },
    ...(several() ? [{ name: 'run', value: (row) => row.run }] : []),
    number('train proved', (row) => whole(row.train_proved)),
    number('by search', (row) => row.searched || '–'),
    number('valid proved', (row) => whole(row.valid_proved)),
    number('valid pass@1', (row) => percent(row.valid_pass_rate)),
    number('mean pass rate', (row) => (row.samples ? percent(row.pass_rate) : '–')),
    number('sampled', (row) => (row.samples ? whole(row.samples) : '–')),
    number('search checks', (row) => (row.search_checks ? whole(row.search_checks) : '–')),
    number('time', (row) => clock(row.seconds)),
  ];
  place.append(table(columns, rows, 'All models'));
  return true;
}
