'use strict';
// Everything that a page has of one statement: attempts, conjectures that began with it, goals of its failed proofs.

function statementLink(name) {
  return make('a', { href: linkTo({ s: name, panel: 'statements' }) }, name);
}

function badge(text, kind = '') {
  return make('span', { class: `badge ${kind}` }, text);
}

function statementDetail(run, name) {
  const row = run.rows.find((one) => one.name === name);
  if (!name) return [make('p', { class: 'soft' }, 'Choose a statement to see what was tried at it.')];
  if (!row) return [make('p', { class: 'soft' }, `${name} is not in this page; \`stp show ${name}\` knows what the ledger has of it.`)];
  const states = { stage1: row.kind === 'valid' ? 'proved by stage 1' : 'came with a proof', new: `first proved ${row.first ? `in round ${row.first}` : 'at stage 1'}`, never: 'never proved', dropped: `dropped: ${(row.outcome || '').replace('_', ' ')}` };
  const [proof] = row.attempts.filter((one) => one.proved);
  return [
    make('h3', {}, mark(row.state), ' ', row.name),
    make('p', { class: 'badges' }, badge(SETS[row.kind].replace(/s$/, '')), badge(states[row.state], { new: 'good', never: 'bad' }[row.state]), row.hard ? badge('hard') : '', row.topics.map((topic) => badge(topic))),
    lean(`theorem ${row.name} ${row.signature}${proof ? ` := ${proof.proof}` : ''}`),
    provenance(run, row), byRound(row), attempts(row), goals(row), seeded(run, row),
  ].flat().filter(Boolean);
}

// What it comes from, and what its proof is owed to.
function provenance(run, row) {
  const parent = row.kind === 'goal' ? run.rows.find((one) => (one.sketches || []).some((sketch) => sketch.goals.includes(row.name))) : null;
  const facts = [];
  if (parent || (row.kind === 'goal' && row.seed)) facts.push(make('p', {}, 'A goal that a failed proof of ', statementLink(parent ? parent.name : row.seed), ' left open.'));
  else if (row.seed) facts.push(make('p', {}, `Conjectured in round ${row.round} from `, statementLink(row.seed), row.lemma ? [' with the lemma ', make('code', {}, row.lemma)] : '', '.'));
  if (row.by_search) {
    const owed = unique((row.sketches || []).flatMap((sketch) => sketch.goals));
    facts.push(make('p', { class: 'owed' }, `Its first proof, in round ${row.first}, is by search${owed.length ? ', put together of proofs of goals of its: ' : '.'}`, owed.slice(0, 6).flatMap((name, i) => [i ? ', ' : '', statementLink(name)])));
  }
  return facts;
}

function byRound(row) {
  if (!row.tallies.length) return null;
  const line = ([round, phase, proved, judged]) => make('span', { class: 'tally', title: `${proved} of ${judged} attempts proved` }, make('small', {}, `${phase === 'search' ? 'search ' : phase === 'valid' ? 'valid ' : ''}round ${round}`), make('b', {}, `${proved}/${judged}`), bar(judged ? proved / judged : 0));
  return make('div', { class: 'tallies' }, row.tallies.map(line));
}

function attempts(row) {
  if (!row.attempts.length) return make('p', { class: 'soft' }, row.state === 'dropped' ? 'It was never tried.' : 'No attempt of it is in this page.');
  const where = (one) => ({ seed: 'from the corpus', train: `round ${one.round}`, valid: `valid, round ${one.round}`, search: `search, round ${one.round}` })[one.phase];
  const facts = (one) => [where(one), one.times > 1 ? `${one.times} times` : '', one.elapsed_ms ? milliseconds(one.elapsed_ms) : ''].filter(Boolean).join(' · ');
  const verdict = (one) => (one.proved === null ? badge('not judged yet') : one.proved ? badge('proved', 'good') : badge(one.kind || 'failed', 'bad'));
  return [make('h4', {}, 'Attempts'), make('ul', { class: 'examples' }, row.attempts.map((one) => make('li', {}, make('p', {}, verdict(one), ` ${facts(one)}`), lean(one.proof), one.message ? make('pre', { class: 'message' }, one.message) : '')))];
}

function goals(row) {
  if (!row.sketches) return null;
  const line = (sketch) => make('li', {}, make('p', {}, `round ${sketch.round}`, sketch.reason ? ` · not tried: ${sketch.reason}` : ''), lean(sketch.text), sketch.goals.length ? make('p', {}, 'goals: ', sketch.goals.flatMap((name, i) => [i ? ', ' : '', statementLink(name)])) : '');
  return [make('h4', {}, 'What failed proofs leave open'), make('ul', { class: 'examples' }, row.sketches.map(line))];
}

function seeded(run, row) {
  if (!row.conjectures) return null;
  const known = run.rows.filter((one) => one.seed === row.name && one.state !== 'dropped').slice(0, 12);
  const line = (one) => make('li', {}, make('p', {}, mark(one.state), ' ', statementLink(one.name), ` · ${tally(one).proved}/${tally(one).judged}`), lean(one.signature));
  return [make('h4', {}, `Conjectures from it: ${whole(row.conjectures)} texts`), known.length ? make('ul', { class: 'examples' }, known.map(line)) : make('p', { class: 'soft' }, 'None of them was accepted.')];
}
