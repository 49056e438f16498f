'use strict';
// A list of statements, conjectures and goals to search, filter and sort, with the one that is open beside it.

const PAGE = 100;
const SETS = { train: 'train', valid: 'valid', conjecture: 'conjectures', goal: 'goals' };
const STATES = { stage1: 'at stage 1', new: 'new', never: 'never proved', dropped: 'dropped texts' };
const SORTS = { '': 'run\'s order', rate: 'lowest pass rate', tried: 'most attempts', first: 'proved last', name: 'name' };

const tally = (row, phases = ['train', 'valid']) => row.tallies.filter(([, phase]) => phases.includes(phase)).reduce((all, [, , proved, judged]) => ({ proved: all.proved + proved, judged: all.judged + judged }), { proved: 0, judged: 0 });

// All that a row can be found by, made once.
function found(row) {
  if (!row.text) row.text = `${row.name} ${row.signature} ${row.topics.join(' ')} ${row.lemma || ''} ${row.seed || ''} ${row.attempts.filter((one) => one.proved).map((one) => one.proof).join(' ')}`.toLowerCase();
  return row.text;
}

function matching(rows) {
  const { q = '', set, topic, state: wanted, hard, by } = state.all();
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => (!set || row.kind === set) && (!topic || row.topics.includes(topic)) && (wanted ? row.state === wanted : row.state !== 'dropped')
    && (!hard || String(row.hard) === (hard === 'yes' ? 'true' : 'false')) && (!by || row.by_search) && words.every((word) => found(row).includes(word)));
}

function sorted(rows) {
  const share = (row) => { const of = tally(row); return of.judged ? of.proved / of.judged : 2; };
  const orders = {
    rate: (a, b) => share(a) - share(b),
    tried: (a, b) => tally(b).judged - tally(a).judged,
    first: (a, b) => (b.first === undefined ? -1 : b.first) - (a.first === undefined ? -1 : a.first),
    name: (a, b) => a.name.localeCompare(b.name),
  };
  const order = orders[state.get('sort')];
  return order ? rows.slice().sort(order) : rows;
}

function statements(place) {
  const run = detailRun();
  if (!run.rows.length) return false;
  const list = make('div', { class: 'list', role: 'group', 'aria-label': 'Statements' });
  const detail = make('div', { class: 'detail', tabindex: -1, 'aria-live': 'polite' });
  const count = make('p', { id: 'count', class: 'soft' });
  let shown = PAGE;
  const fill = () => {
    const rows = sorted(matching(run.rows));
    count.textContent = `${whole(rows.length)} of ${whole(run.rows.length)}${run.left_out ? `; ${whole(run.left_out)} more are in the ledger and not in this page` : ''}`;
    const open = state.get('s');
    const more = rows.length > shown ? make('button', { type: 'button', class: 'more', onclick: () => { shown += PAGE; fill(); } }, `Show ${Math.min(PAGE, rows.length - shown)} more`) : null;
    list.replaceChildren(...rows.slice(0, shown).map((row) => line(row, row.name === open)), ...(more ? [more] : []));
    detail.replaceChildren(...statementDetail(run, open || (rows[0] && innerWidth > 900 ? rows[0].name : '')));
  };
  const line = (row, isOpen) => {
    const { proved, judged } = tally(row);
    return make('button', {
      type: 'button', class: 'item', 'aria-current': isOpen ? 'true' : null,
      onclick: () => {
        state.set({ s: row.name, panel: 'statements' }, true);
        fill();
        if (innerWidth <= 900) detail.scrollIntoView();
        detail.focus({ preventScroll: true });
      },
    }, mark(row.state), make('b', {}, row.name), make('span', { class: 'number' }, judged ? `${proved}/${judged}` : '–'), make('code', {}, row.signature));
  };
  place.append(filters(run, () => { shown = PAGE; fill(); }), count, make('div', { class: 'split' }, list, detail));
  fill();
  return true;
}

// A state as a colour with a shape of its own.
function mark(name) {
  const signs = { stage1: '●', new: '★', never: '○', dropped: '×' };
  return make('span', { class: `mark ${name}`, title: STATES[name], role: 'img', 'aria-label': STATES[name] }, signs[name]);
}

function filters(run, changed) {
  const some = (key, of) => Object.keys(of).filter((value) => run.rows.some((row) => row[key] === value));
  const topics = unique(run.rows.flatMap((row) => row.topics)).sort();
  const choice = (key, label, values) => {
    const select = make('select', { name: key, 'aria-label': label }, make('option', { value: '' }, label), values.map(([value, text]) => make('option', { value }, text)));
    select.value = state.get(key);
    if (select.selectedIndex < 0) select.selectedIndex = 0;
    return select;
  };
  const search = make('input', { type: 'search', name: 'q', placeholder: 'Search names, statements, proofs', 'aria-label': 'Search', value: state.get('q') });
  const form = make('form', { role: 'search' }, search,
    choice('set', 'all sets', some('kind', SETS).map((value) => [value, SETS[value]])),
    choice('state', 'any state', some('state', STATES).map((value) => [value, STATES[value]])),
    topics.length ? choice('topic', 'all topics', topics.map((topic) => [topic, topic])) : '',
    run.headline.tactics ? choice('hard', 'hard or easy', [['yes', 'hard: no single tactic'], ['no', 'a single tactic does']]) : '',
    run.rows.some((row) => row.by_search) ? choice('by', 'any proof', [['search', 'owed to subgoals']]) : '',
    choice('sort', 'run\'s order', Object.entries(SORTS).slice(1)));
  form.addEventListener('input', () => {
    state.set({ s: '', ...Object.fromEntries(new FormData(form)), panel: 'statements' });
    changed();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  return form;
}
