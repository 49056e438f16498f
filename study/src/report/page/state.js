'use strict';
// What the page shows, kept in the address after `#`: a link leads to the same view.
//
// panel: where it is scrolled to; run: the run that details are of; hide: runs that are left out of curves; x: the axis of
// curves; q, set, topic, state, hard, sort: the list of statements; s: the statement that is open; fail: an open failure.

let data = JSON.parse(document.getElementById('data').textContent);
let keys = [];

// Two runs may have the same name: the second is `name~2`.
function takeData(text) {
  data = text;
  keys = data.runs.map((run, i) => {
    const before = data.runs.slice(0, i).filter((other) => other.name === run.name).length;
    return before ? `${run.name}~${before + 1}` : run.name;
  });
}

const state = {
  all: () => Object.fromEntries(new URLSearchParams(location.hash.slice(1))),
  get: (key) => state.all()[key] || '',
  // Changes some keys; what is empty is not written. A new entry in the history is for what one goes back from.
  set: (changes, isStep = false) => {
    const next = new URLSearchParams(Object.entries({ ...state.all(), ...changes }).filter(([, value]) => value));
    const address = `${location.pathname}${location.search}${next.size ? `#${next}` : ''}`;
    if (isStep) history.pushState(null, '', address);
    else history.replaceState(null, '', address);
  },
};

const several = () => data.runs.length > 1;

// The runs that curves show: { run, key, colour }.
function shownRuns() {
  const hidden = state.get('hide').split(',');
  return data.runs.map((run, i) => ({ run, key: keys[i], colour: `var(--s${i % 6})`, dash: i < 6 ? null : '6 3' }))
    .filter((one) => !hidden.includes(one.key));
}

// The run that details are of.
function detailRun() {
  const wanted = keys.indexOf(state.get('run'));
  return data.runs[wanted < 0 ? 0 : wanted];
}

// The address of this view with some changes.
function linkTo(changes) {
  return `#${new URLSearchParams(Object.entries({ ...state.all(), ...changes }).filter(([, value]) => value))}`;
}

takeData(data);
