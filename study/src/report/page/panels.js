'use strict';
// The panels of one run: what its trainings, conjectures, failures and statements came to.

// Topics that are shown at first.
const TOPICS = 14;

const PARTS = {
  stage1: { name: 'at stage 1', colour: 'var(--quiet)' },
  new: { name: 'new', colour: 'var(--s0)' },
  never: { name: 'never proved', colour: 'var(--s1)' },
};

// Loss and learning rate of all shown runs.
function training(place) {
  const runs = shownRuns().filter((one) => one.run.training.points.length > 1);
  if (!runs.length) return false;
  const marks = runs.length === 1 ? runs[0].run.training.begins.map((begin) => ({ x: begin.step, name: begin.label })) : [];
  const draw = (title, value, format) => (width) => curves(width, title, runs.map((one) => ({
    name: one.key, colour: one.colour, dash: one.dash, points: one.run.training.points.map((point) => ({ x: point.step, ...value(point) })),
  })), { x: { name: 'optimiser step', format: short, unit: '', integer: true }, y: { format }, marks });
  place.append(make('div', { class: 'grid two' },
    figure('Loss', 'nats a token; the band holds all steps of a point', draw('Training loss', (point) => ({ y: point.loss, low: point.low, high: point.high }), short)),
    figure('Learning rate', runs.length === 1 ? 'lines: where a training begins' : '', draw('Learning rate', (point) => ({ y: point.rate }), short))));
  return true;
}

// A stage of a funnel: its number, and its share of the one before.
function stage(name, count, before) {
  return { name, number: true, value: (row) => {
    const [now, all] = [count(row), before ? before(row) : 0];
    return make('span', { class: 'stage' }, make('b', {}, whole(now)), before ? make('small', {}, rate(now, all)) : make('small', {}, ' '), before ? bar(all ? now / all : 0, 'var(--s0)') : make('span'));
  } };
}

const why = (dropped) => dropped.slice().sort((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${whole(count)}`).join(', ') || '–';

function funnels(place) {
  const { funnels: conjectures, goals } = detailRun();
  if (!conjectures.length && !goals.length) return false;
  const round = { name: 'round', value: (row) => row.round };
  const of = (key) => (row) => row[key];
  if (conjectures.length) {
    const columns = [
      round,
      stage('generated', of('generated')),
      stage('well formed', of('well_formed'), of('generated')),
      stage('elaborates', of('elaborates'), of('well_formed')),
      stage('new', of('new'), of('elaborates')),
      stage('tried', of('tried'), of('new')),
      stage('proved', of('proved'), of('tried')),
      stage('kept', of('kept'), of('proved')),
      { name: 'dropped as', wide: true, value: (row) => make('small', {}, why(row.dropped)) },
    ];
    place.append(table(columns, conjectures, 'The model\'s conjectures, with shares of the stage before'));
  }
  if (goals.length) {
    const columns = [
      round,
      stage('failed proofs', of('failed')),
      stage('with goals', of('sketches'), of('failed')),
      stage('open places', of('holes')),
      stage('written as statements', of('written'), of('holes')),
      stage('new goals', of('goals')),
      stage('closed by automation', of('closed'), of('goals')),
      stage('sampled', of('sampled')),
      stage('proved', of('sampled_proved'), of('sampled')),
      stage('put back', of('assembled')),
      stage('whole proofs', of('whole'), of('assembled')),
      stage('statements gained', of('statements')),
      { name: 'no goals because', wide: true, value: (row) => make('small', {}, why(row.dropped)) },
      { name: 'no statement because', wide: true, value: (row) => make('small', {}, why(row.unwritten)) },
    ];
    place.append(table(columns, goals, 'Failed proofs and the goals that they leave open'));
  }
  return true;
}

function passRates(place) {
  const { rates } = detailRun();
  if (!rates.length) return false;
  const labels = Array.from({ length: 10 }, (_, i) => `${i * 10}–${i * 10 + 10} %`);
  const written = rates.some((one) => one.written.never + one.written.always + sum(one.written.between));
  const kinds = [{ key: 'given', name: 'given statements', colour: 'var(--s0)' }, ...(written ? [{ key: 'written', name: 'conjectures and goals', colour: 'var(--s1)' }] : [])];
  const round = (one) => {
    const strips = kinds.map((kind) => {
      const { never, between, always } = one[kind.key];
      const parts = [{ name: 'never', count: never }, { name: 'some', count: sum(between) }, { name: 'always', count: always }];
      const shades = ['var(--quiet)', `color-mix(in srgb, ${kind.colour} 55%, var(--card))`, kind.colour];
      if (!sum(parts.map((part) => part.count))) return null;
      return [strip(parts.map((part, i) => ({ ...part, colour: shades[i] }))), make('span', { class: 'counts' }, parts.map((part) => make('span', {}, make('b', {}, whole(part.count)), ` ${part.name}`)))];
    });
    const series = kinds.map((kind) => ({ name: kind.name, colour: kind.colour, counts: one[kind.key].between }));
    const place = make('div', { class: 'chart' });
    charts.push({ place, width: 0, draw: (width) => histogram(width, `Round ${one.round}, statements proved sometimes, by pass rate`, labels, series) });
    return make('figure', {}, make('figcaption', {}, make('b', {}, `Round ${one.round}`)), strips, place);
  };
  place.append(make('div', { class: 'grid multiples' }, rates.map(round)), key(kinds),
    make('p', { class: 'note' }, 'Strips: statements that no, some or all samples of the round proved. Bars: those that some proved, by pass rate.'));
  return true;
}

function failurePanel(place) {
  const { failures } = detailRun();
  if (!failures.kinds.length) return false;
  const all = sum(failures.kinds.map((kind) => kind.total));
  const rounds = `rounds ${failures.rounds[0]} to ${last(failures.rounds)}`;
  const shares = (counts) => counts.map((count, i) => (failures.judged[i] ? count / failures.judged[i] : 0));
  const example = (one) => make('li', {},
    make('p', {}, make('a', { href: linkTo({ s: one.statement, panel: 'statements' }) }, one.statement), ` · round ${one.round}`), lean(one.proof), make('pre', { class: 'message' }, one.message));
  const kinds = failures.kinds.map((kind) => ({
    id: kind.kind, name: kind.label, count: kind.total, values: shares(kind.rounds),
    open: make('ul', { class: 'examples' }, kind.examples.map(example)),
  }));
  const tactics = failures.tactics.map((one) => ({ name: make('code', {}, one.tactic), detail: `mostly ${one.mostly}`, count: one.total, values: shares(one.rounds) }));
  place.append(make('div', { class: 'grid two' },
    make('figure', {}, make('figcaption', {}, make('b', {}, 'Which error'), make('span', {}, `${whole(all)} of ${whole(sum(failures.judged))} proofs failed; open a row for examples`)), barList(kinds, all, 'Failures by error', rounds, 'var(--s1)')),
    make('figure', {}, make('figcaption', {}, make('b', {}, 'Which tactic'), make('span', {}, `told by message or position, for ${rate(failures.with_tactic, all)} of the failures`)), tactics.length ? barList(tactics, all, 'Failures by tactic', rounds, 'var(--s3)') : make('p', { class: 'soft' }, 'No message names one.'))));
  return true;
}

function topicPanel(place) {
  const { topics } = detailRun();
  if (!topics.length) return false;
  const parts = (standing) => ['stage1', 'new', 'never'].map((name) => ({ ...PARTS[name], count: standing[name] }));
  const total = (standing) => sum(Object.values(standing));
  const left = (name, set) => ({ name, number: true, value: (row) => {
    const count = row[set].never;
    if (!total(row[set])) return '–';
    return count ? make('a', { href: linkTo({ panel: 'statements', set, topic: row.topic, state: 'never', s: '', q: '' }) }, whole(count)) : make('span', { class: 'done' }, 'all proved');
  } });
  const columns = [
    { name: 'topic', value: (row) => row.topic },
    { name: 'train', value: (row) => strip(parts(row.train)) },
    left('unproved', 'train'),
    { name: 'of', number: true, value: (row) => whole(total(row.train)) },
    { name: 'valid', value: (row) => (total(row.valid) ? strip(parts(row.valid)) : '–') },
    left('unproved', 'valid'),
    { name: 'of', number: true, value: (row) => whole(total(row.valid)) },
    { name: 'pass rate', number: true, value: (row) => rate(row.proved, row.judged) },
  ];
  const box = make('div');
  const show = (all) => {
    const rows = all ? topics : topics.slice(0, TOPICS);
    const more = make('button', { type: 'button', class: 'all', onclick: () => show(true) }, `Show all ${topics.length} topics`);
    box.replaceChildren(table(columns, rows, 'Topics, those with most that nobody proves first'), ...(rows.length < topics.length ? [more] : []));
  };
  show(false);
  place.append(key(Object.values(PARTS)), box,
    make('p', { class: 'note' }, 'At stage 1: training statements that came with a proof, validation statements that stage 1\'s model proved. Pass rate: each statement\'s last round. A statement of several topics counts in each.'));
  return true;
}

// What correct proofs are like, and how fast steps were.
function proofPanel(place) {
  const run = detailRun();
  if (!run.proofs.length && !run.steps.length) return false;
  const rounds = run.proofs.map((shape) => shape.round);
  const tactics = unique(run.proofs.flatMap((shape) => Object.keys(shape.tactics)));
  // `constructor` is a tactic, and every object has something of that name.
  const uses = (tactic) => run.proofs.map((shape) => (Object.hasOwn(shape.tactics, tactic) ? shape.tactics[tactic] : 0));
  const now = (tactic) => last(uses(tactic));
  const rows = tactics.sort((a, b) => now(b) - now(a)).slice(0, 10).map((tactic) => [make('span', { class: 'name' }, make('code', {}, tactic)), bar(now(tactic), 'var(--s2)'), make('span', { class: 'number' }, percent(now(tactic), 0)), spark(uses(tactic), `share of correct proofs with ${tactic}, rounds ${rounds[0]} to ${last(rounds)}`)]);
  const number = (name, value) => ({ name, number: true, value: (row) => (value(row) === null ? '–' : value(row)) });
  const shapes = [{ name: 'round', value: (row) => row.round }, number('distinct proofs', (row) => whole(row.proofs)), number('for each statement', (row) => row.per_statement.toFixed(2)), number('median length', (row) => whole(row.length))];
  const columns = [{ name: 'step', value: (row) => row.name }, number('time', (row) => clock(row.seconds)), number('tokens/s', (row) => row.tokens_per_second && whole(row.tokens_per_second)), number('proofs/s', (row) => row.proofs_per_second && row.proofs_per_second.toFixed(1))];
  const steps = table(columns, run.steps, 'Time and speed of each step');
  steps.classList.add('tall');
  const used = make('div', { class: 'barlist plain', role: 'list', 'aria-label': 'Tactics in correct proofs' }, rows.map((row) => make('div', { class: 'row', role: 'listitem' }, row)));
  place.append(make('div', { class: 'grid two' },
    run.proofs.length ? make('figure', {}, make('figcaption', {}, make('b', {}, 'Tactics in correct proofs'), make('span', {}, `round ${last(rounds)}, with all rounds as a line`)), used, table(shapes, run.proofs, 'Correct proofs of a round')) : '',
    make('figure', {}, make('figcaption', {}, make('b', {}, 'Steps')), steps)));
  return true;
}

function slowPanel(place) {
  const { slow } = detailRun();
  if (!slow.slowest.length && !slow.timeout_count) return false;
  const columns = [
    { name: 'time', number: true, value: (row) => milliseconds(row.elapsed_ms) },
    { name: 'statement', value: (row) => make('a', { href: linkTo({ s: row.statement, panel: 'statements' }) }, row.statement) },
    { name: 'came to', value: (row) => make('span', { class: `badge ${row.what === 'proved' ? 'good' : 'bad'}` }, row.what) },
    { name: 'round', number: true, value: (row) => row.round },
    { name: 'judged', number: true, value: (row) => (row.times > 1 ? `${row.times} times` : 'once') },
    { name: 'statement and proof', wide: true, value: (row) => lean(`${row.signature} := ${row.proof}`) },
  ];
  if (slow.slowest.length) place.append(table(columns, slow.slowest, `Candidates that took at least ${slow.from_times} times the median of ${milliseconds(slow.median_ms)}`));
  if (slow.timeout_count) place.append(table(columns.filter((column) => column.name !== 'came to'), slow.timeouts, `Timeouts: ${whole(slow.timeout_count)}`));
  place.append(make('p', { class: 'note' }, 'Of a proof that was judged several times in a round its quickest time counts, and what Lean refused before it ran anything is left out: so a first use of a process or a busy moment is not here.'));
  return true;
}
