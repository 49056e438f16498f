'use strict';
// Fills the page from its data: charts of all runs, and a browser of their statements.

const PAGE = 60;
let runs = JSON.parse(document.getElementById('data').textContent);
const section = (id) => document.getElementById(id);
const several = runs.length > 1;
const percent = (value) => `${(100 * value).toFixed(1)} %`;

function put(id, draw) {
  const place = section(id);
  const made = draw();
  place.replaceChildren(place.querySelector('h2'), ...(made || []));
  place.classList.toggle('empty', !made);
}

// One line or bar for each run, or for each round of the only run.
function chart(kind, id, labels, series) {
  put(id, () => {
    const filled = series.filter((one) => one.points.size);
    if (!labels.length || !filled.length) return null;
    const title = section(id).querySelector('h2').textContent;
    return [kind(title, labels, filled), filled.length > 1 ? legend(filled.map((one) => one.name)) : ''];
  });
}

const union = (lists) => [...new Set(lists.flat())];
const ofRuns = (labels, points) => runs.map((run) => ({ name: run.name, points: new Map(points(run)) }));

function progress(id, value) {
  const rows = (run) => run.report.rows.map((row) => [row.label, value(row)]);
  chart(lines, id, union(runs.map((run) => rows(run).map(([label]) => label))), ofRuns(null, rows));
}

function shapes(id, value) {
  const points = (run) => run.proofs.map((shape) => [`round ${shape.round}`, value(shape)]);
  chart(lines, id, union(runs.map((run) => points(run).map(([label]) => label))), ofRuns(null, points));
}

function speeds(id, value) {
  const label = (name) => name.replace('round-', '').replace('stage1', '0');
  const points = (run) => run.steps.filter((step) => value(step)).map((step) => [label(step.name), value(step)]);
  chart(bars, id, union(runs.map((run) => points(run).map(([label]) => label))), ofRuns(null, points));
}

function table(columns, rows) {
  const cell = (name, column, text) => element(name, { class: column.kind || '' }, text);
  const head = element('tr', {}, ...columns.map((column) => cell('th', column, column.name)));
  const body = rows.map((row) => element('tr', {}, ...columns.map((column) => cell('td', column, String(column.value(row))))));
  return element('table', {}, element('thead', {}, head), element('tbody', {}, ...body));
}

function summary() {
  const number = (name, value) => ({ name, kind: 'number', value });
  const columns = [
    ...(several ? [{ name: 'run', value: (row) => row.run }] : []),
    { name: 'model', value: (row) => row.label },
    number('train proved', (row) => row.train_proved),
    number('valid proved', (row) => row.valid_proved),
    number('valid pass@1', (row) => percent(row.valid_pass_rate)),
    number('mean pass rate', (row) => (row.samples ? percent(row.pass_rate) : '–')),
    number('conjectures', (row) => row.generated || '–'),
    number('sampled proofs', (row) => row.samples || '–'),
    number('seconds', (row) => Math.round(row.seconds)),
  ];
  const rows = runs.flatMap((run) => run.report.rows.map((row) => ({ run: run.name, ...row })));
  section('summary').querySelector('.scroll').replaceChildren(table(columns, rows));
}

// All rounds of the only run, or the last round of each.
function rounds(of, points) {
  return runs.flatMap((run) => (several ? of(run).slice(-1) : of(run)).map((one) => ({
    name: `${several ? `${run.name}, ` : ''}round ${one.round}`,
    points: new Map(points(one)),
  })));
}

function distributions() {
  const bins = Array.from({ length: 10 }, (_, i) => `${i * 10} %`);
  const series = rounds((run) => run.histograms, (one) => one.bins.map((count, i) => [bins[i], count]));
  chart(bars, 'rates', bins, series);
  const stages = ['generated', 'well formed', 'elaborates', 'new', 'tried', 'proved', 'kept'];
  const funnels = rounds((run) => run.funnels, (one) => stages.map((stage) => [stage, one[stage.replace(' ', '_')]]));
  chart(bars, 'funnel', stages, funnels);
  const tactics = rounds((run) => run.proofs, (shape) => Object.entries(shape.tactics));
  const used = union(tactics.map((one) => [...one.points.keys()]));
  const total = (tactic) => tactics.reduce((sum, one) => sum + (one.points.get(tactic) || 0), 0);
  chart(bars, 'tactics', used.sort((a, b) => total(b) - total(a)).slice(0, 8), tactics);
}

function slowest() {
  const rows = runs.flatMap((run) => run.slowest.map((slow) => ({ run: run.name, ...slow })));
  rows.sort((a, b) => b.elapsed_ms - a.elapsed_ms);
  const columns = [
    { name: 'seconds', kind: 'number', value: (row) => (row.elapsed_ms / 1000).toFixed(2) },
    { name: 'statement', value: (row) => row.statement },
    { name: 'round', kind: 'number', value: (row) => row.round },
    { name: 'verdict', value: (row) => row.status },
    { name: 'proof', kind: 'code', value: (row) => row.proof },
  ];
  section('slowest').querySelector('.scroll').replaceChildren(table(columns, rows.slice(0, 20)));
}

const LEAN = /(--[^\n]*|\/-[\s\S]*?-\/)|\b(theorem|lemma|by|fun|let|have|show|from|with|at|intro|intros|exact|apply|refine|rw|simp|simp_all|simpa|omega|decide|grind|induction|cases|rcases|obtain|constructor|rfl|calc|match|next|case|unfold|exists|use|left|right|contradiction|exfalso|rename_i|split|subst|specialize|generalize|ext|funext|congr)\b|\b(Nat|Int|Bool|Prop|List|Option|Type|Sort|Fin|String|true|false|True|False|some|none)\b|\b(\d+)\b/g;

function highlighted(text) {
  const pre = element('pre');
  let last = 0;
  for (const match of text.matchAll(LEAN)) {
    const kind = ['c', 'w', 't', 'n'][match.slice(1).findIndex((group) => group !== undefined)];
    pre.append(text.slice(last, match.index), element('span', { class: kind }, match[0]));
    last = match.index + match[0].length;
  }
  pre.append(text.slice(last));
  return pre;
}

function article(row) {
  const facts = [several ? row.run : '', row.kind, `round ${row.round}`, row.state, row.lemma ? `lemma ${row.lemma}` : ''];
  const proof = row.proof ? ` := ${row.proof}` : '';
  return element('article', {},
    element('p', {}, element('b', {}, row.name), ` · ${facts.filter(Boolean).join(' · ')}`),
    highlighted(`theorem ${row.name} ${row.signature}${proof}`));
}

// The filter stands in the address after `#`, so that a search can be kept and sent.
function browser() {
  const form = document.querySelector('form');
  const keys = ['run', 'kind', 'round'];
  const first = Object.fromEntries(keys.map((key) => [key, [...form[key].children]]));
  form.run.hidden = !several;
  let all = [];
  let shown = PAGE;
  const draw = () => {
    const text = form.text.value.trim().toLowerCase();
    const words = text.split(/\s+/).filter(Boolean);
    const fits = (row) => {
      const whole = `${row.name} ${row.signature} ${row.proof || ''} ${row.lemma || ''} ${row.state}`.toLowerCase();
      return words.every((word) => whole.includes(word)) && keys.every((key) => !form[key].value || String(row[key]) === form[key].value);
    };
    const found = all.filter(fits);
    const leftOut = runs.reduce((sum, run) => sum + run.left_out, 0);
    section('count').textContent = `${found.length} of ${all.length}${leftOut ? ` (the oldest ${leftOut} are not in this page)` : ''}`;
    section('rows').replaceChildren(...found.slice(0, shown).map(article));
    section('more').hidden = found.length <= shown;
  };
  const fill = (wanted) => {
    all = runs.flatMap((run) => run.rows.map((row) => ({ run: run.name, ...row })));
    const values = {
      run: runs.map((run) => run.name),
      kind: union([all.map((row) => row.kind)]),
      round: union([all.map((row) => String(row.round))]).sort((a, b) => a - b),
    };
    for (const key of keys) {
      form[key].replaceChildren(...first[key], ...values[key].map((value) => element('option', { value }, value)));
      form[key].value = wanted[key] || '';
    }
    draw();
  };
  const filters = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  const take = () => {
    const wanted = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    form.text.value = wanted.text || '';
    shown = PAGE;
    fill(wanted);
  };
  form.addEventListener('input', () => {
    shown = PAGE;
    history.replaceState(null, '', `#${filters()}`);
    draw();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  section('more').addEventListener('click', () => {
    shown += PAGE;
    draw();
  });
  window.addEventListener('hashchange', take);
  take();
  return () => fill(Object.fromEntries(filters()));
}

function charts() {
  section('runs').replaceChildren(...runs.map((run, i) => element('span', {}, i ? ' — ' : '', element('b', {}, run.name), [` · ${run.method}, seed ${run.seed}`, run.toolchain].filter(Boolean).join(' · '))));
  summary();
  progress('train', (row) => row.train_proved);
  progress('valid', (row) => row.valid_proved);
  distributions();
  shapes('length', (shape) => shape.length);
  shapes('diversity', (shape) => shape.per_statement);
  speeds('tokens', (step) => step.tokens_per_second);
  speeds('speed', (step) => step.proofs_per_second);
  slowest();
}

// One line for each run that is still going on: its phase, a bar and its speed.
function now(phases) {
  const rate = (number, unit) => (number === undefined ? '' : `${number.toFixed(number < 100 ? 1 : 0)} ${unit}`);
  const line = (phase) => {
    const running = phase.state === 'running';
    const facts = [several ? phase.run : '', ...(running ? [
      phase.phase || 'begins',
      phase.total ? `${phase.done} of ${phase.total}` : '',
      rate(phase['speed/tokens_per_second'], 'tokens/s'),
      rate(phase['speed/proofs_per_second'], 'proofs/s'),
      phase['speed/pass_rate'] === undefined ? '' : `pass rate ${percent(phase['speed/pass_rate'])}`,
    ] : [phase.state])];
    const bar = phase.total && running ? element('progress', { value: phase.done, max: phase.total }) : null;
    return element('span', {}, bar, facts.filter(Boolean).join(' · '), element('br'));
  };
  section('live').replaceChildren(...phases.map(line));
  section('live').hidden = false;
}

function follow(refresh) {
  const source = new EventSource('events');
  source.addEventListener('runs', (event) => {
    runs = JSON.parse(event.data);
    charts();
    refresh();
    const root = document.documentElement.dataset;
    root.updates = Number(root.updates || 0) + 1;
  });
  source.addEventListener('now', (event) => now(JSON.parse(event.data)));
  source.addEventListener('error', () => {
    section('live').textContent = 'The dashboard does not answer; waiting for it.';
    section('live').hidden = false;
  });
}

charts();
const refresh = browser();
if (document.body.dataset.live === 'yes') follow(refresh);
document.documentElement.dataset.ready = 'yes';
