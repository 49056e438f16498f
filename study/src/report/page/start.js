'use strict';
// Puts the panels on the page, follows the address and, on a dashboard, the runs.

// A panel: name in the address, title, what fills it (false: nothing to show), whether it is of one run alone.
const PANELS = [
  ['overview', 'Overview', overview],
  ['settings', 'Differences', settings],
  ['training', 'Training', training],
  ['conjectures', 'Conjectures and goals', funnels, true],
  ['rates', 'Pass rates', passRates, true],
  ['failures', 'Failures', failurePanel, true],
  ['topics', 'Topics', topicPanel, true],
  ['statements', 'Statements', statements, true],
  ['proofs', 'Proofs and speed', proofPanel, true],
  ['slow', 'Slow candidates', slowPanel, true],
  ['models', 'Models', modelTable],
];

function drawAll() {
  const main = document.querySelector('main');
  charts.length = 0;
  const panels = PANELS.map(([id, title, fill, isOfOne]) => {
    const panel = make('section', { id, 'aria-labelledby': `${id}-title` }, make('h2', { id: `${id}-title` }, title, isOfOne && several() ? make('small', {}, ` of ${keys[data.runs.indexOf(detailRun())]}`) : ''));
    return fill(panel) === false ? null : [panel, title];
  }).filter(Boolean);
  main.replaceChildren(...panels.map(([panel]) => panel));
  document.querySelector('nav').replaceChildren(...panels.map(([panel, title]) => panelLink(panel.id, title)));
  document.querySelector('.skip').href = linkTo({ panel: 'statements' });
  drawRuns();
  drawCharts();
}

// A link to a panel that leaves everything else as it is.
function panelLink(id, title) {
  const changes = { panel: id === 'overview' ? '' : id };
  const go = (event) => {
    event.preventDefault();
    state.set(changes, true);
    goToPanel();
  };
  return make('a', { href: linkTo(changes), onclick: go }, title);
}

// The runs: of one its facts, of several a choice of what is shown and of whose details.
function drawRuns() {
  const facts = (run) => [`${run.method}, seed ${run.seed}`, run.toolchain].filter(Boolean).join(' · ');
  const place = document.getElementById('runs');
  if (!several()) {
    place.replaceChildren(make('b', {}, data.runs.length ? keys[0] : 'no run'), make('span', { class: 'soft' }, data.runs.length ? ` ${facts(data.runs[0])}` : ''));
    return;
  }
  const hidden = state.get('hide').split(',').filter(Boolean);
  const toggle = (name, i) => make('button', {
    type: 'button', class: 'run', 'aria-pressed': String(!hidden.includes(name)), title: facts(data.runs[i]),
    onclick: () => {
      const next = hidden.includes(name) ? hidden.filter((other) => other !== name) : [...hidden, name];
      if (next.length < keys.length) state.set({ hide: next.join(',') });
      drawAll();
      document.querySelectorAll('#runs .run')[i].focus();
    },
  }, make('i', { style: `background:var(--s${i % 6})` }), name);
  const select = make('select', { 'aria-label': 'Details of' }, keys.map((name) => make('option', { value: name }, name)));
  select.value = keys[data.runs.indexOf(detailRun())];
  select.addEventListener('change', () => {
    state.set({ run: select.value, s: '' });
    drawAll();
  });
  place.replaceChildren(...keys.map(toggle), make('label', {}, 'details of ', select));
}

function goToPanel() {
  const panel = document.getElementById(state.get('panel') || 'overview');
  const detail = state.get('s') && innerWidth <= 900 ? panel && panel.querySelector('.detail') : null;
  if (panel) (detail || panel).scrollIntoView();
}

// One line for each run that is still going on: its phase, a bar and its speed.
function now(phases) {
  const speed = (number, unit) => (number === undefined ? '' : `${number.toFixed(number < 100 ? 1 : 0)} ${unit}`);
  const line = (phase) => {
    const running = phase.state === 'running';
    const facts = [several() ? phase.run : '', ...(running ? [
      phase.phase || 'begins',
      phase.total ? `${phase.done} of ${phase.total}` : '',
      speed(phase['speed/tokens_per_second'], 'tokens/s'),
      speed(phase['speed/proofs_per_second'], 'proofs/s'),
      phase['speed/pass_rate'] === undefined ? '' : `pass rate ${percent(phase['speed/pass_rate'])}`,
    ] : [phase.state])];
    const progress = phase.total && running ? make('progress', { value: phase.done, max: phase.total, 'aria-label': phase.phase }) : null;
    return make('span', {}, make('i', { class: running ? 'pulse' : 'still' }), progress, facts.filter(Boolean).join(' · '));
  };
  const live = document.getElementById('live');
  live.replaceChildren(...phases.map(line));
  live.hidden = false;
}

function follow() {
  const source = new EventSource('events');
  source.addEventListener('runs', (event) => {
    const typing = document.activeElement && document.activeElement.name === 'q' ? document.activeElement.selectionStart : null;
    takeData(JSON.parse(event.data));
    const [top, list] = [scrollY, document.querySelector('.list')];
    const scrolled = list ? list.scrollTop : 0;
    drawAll();
    scrollTo(0, top);
    if (document.querySelector('.list')) document.querySelector('.list').scrollTop = scrolled;
    if (typing !== null) {
      const search = document.querySelector('input[name=q]');
      search.focus();
      search.setSelectionRange(typing, typing);
    }
    const root = document.documentElement.dataset;
    root.updates = Number(root.updates || 0) + 1;
  });
  source.addEventListener('now', (event) => now(JSON.parse(event.data)));
  source.addEventListener('error', () => {
    const live = document.getElementById('live');
    live.textContent = 'The dashboard does not answer; waiting for it.';
    live.hidden = false;
  });
}

drawAll();
if (state.get('panel')) goToPanel();
window.addEventListener('resize', drawCharts);
window.addEventListener('hashchange', () => {
  drawAll();
  goToPanel();
});
if (document.body.dataset.live === 'yes') follow();
document.documentElement.dataset.ready = 'yes';
