'use strict';
// Fills the page from its data: charts of all runs, and a browser of their statements.

const PAGE = 60;
const runs = JSON.parse(document.getElementById('data').textContent);
const section = (id) => document.getElementById(id);
const several = runs.length > 1;
const percent = (value) => `${(100 * value).toFixed(1)} %`;

function put(id, draw) {
  const place = section(id);
  const made = draw();
  if (made) place.append(...made);
  else place.classList.add('empty');
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
  section('summary').querySelector('.scroll').append(table(columns, rows));
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
  section('slowest').querySelector('.scroll').append(table(columns, rows.slice(0, 20)));
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
  const all = runs.flatMap((run) => run.rows.map((row) => ({ run: run.name, ...row })));
  const options = (name, values) => form[name].append(...values.map((value) => element('option', { value }, value)));
  form.run.append(element('option', { value: '' }, 'all runs'));
  options('run', runs.map((run) => run.name));
  options('kind', union([all.map((row) => row.kind)]));
  options('round', union([all.map((row) => String(row.round))]).sort((a, b) => a - b));
  form.run.hidden = !several;
  let shown = PAGE;
  const draw = () => {
    const text = form.text.value.trim().toLowerCase();
    const words = text.split(/\s+/).filter(Boolean);
    const fits = (row) => {
      const whole = `${row.name} ${row.signature} ${row.proof || ''} ${row.lemma || ''} ${row.state}`.toLowerCase();
      return words.every((word) => whole.includes(word)) && ['run', 'kind', 'round'].every((key) => !form[key].value || String(row[key]) === form[key].value);
    };
    const found = all.filter(fits);
    const leftOut = runs.reduce((sum, run) => sum + run.left_out, 0);
    section('count').textContent = `${found.length} of ${all.length}${leftOut ? ` (the oldest ${leftOut} are not in this page)` : ''}`;
    section('rows').replaceChildren(...found.slice(0, shown).map(article));
    section('more').hidden = found.length <= shown;
  };
  const filters = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  const take = () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const key of ['text', 'run', 'kind', 'round']) form[key].value = wanted.get(key) || '';
    shown = PAGE;
    draw();
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
}

section('runs').append(...runs.map((run, i) => element('span', {}, i ? ' — ' : '', element('b', {}, run.name), [` · ${run.method}, seed ${run.seed}`, run.toolchain].filter(Boolean).join(' · '))));
summary();
progress('train', (row) => row.train_proved);
progress('valid', (row) => row.valid_proved);
distributions();
shapes('length', (shape) => shape.length);
shapes('diversity', (shape) => shape.per_statement);
speeds('tokens', (step) => step.tokens_per_second);
speeds('speed', (step) => step.proofs_per_second);
slowest();
browser();
document.documentElement.dataset.ready = 'yes';
