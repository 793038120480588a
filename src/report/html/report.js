'use strict';
/* What all reports share: the page is drawn from the JSON in it, report being what --json writes. */
const errors = [];
window.addEventListener('error', event => errors.push(event.message));
const {kind, title, subtitle, command, version, report, extra} =
  JSON.parse(document.getElementById('data').textContent);
const page = document.getElementById('page');
const charts = [];

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on'))
      made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null)
      made.setAttribute(name, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}
const add = (...children) => page.append(...children.filter(child => child !== null));
const heading = text => add(element('h2', {}, text));
const isNumber = value => typeof value === 'number' && isFinite(value);

/* Four digits, or as many as are whole. */
function show(value) {
  if (value === null || value === undefined)
    return '–';
  if (typeof value !== 'number')
    return String(value);
  if (Number.isInteger(value))
    return value.toLocaleString('en');
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7))
    return value.toExponential(3);
  return value.toLocaleString('en', {maximumFractionDigits: Math.max(0, 3 - Math.floor(Math.log10(size || 1)))});
}
const percent = value => isNumber(value) ? (100 * value).toFixed(1) + ' %' : '–';

/* A figure that stands out; key: where it is in the report, so that it can be checked. */
function card(label, key, unit = '', format = show, tone = '') {
  const value = key.split('.').reduce((inner, name) => inner === null || inner === undefined ? inner : inner[name], report);
  if (value === null || value === undefined)
    return null;
  return element('div', {class: 'card'}, element('span', {}, label),
                 element('b', {class: tone, 'data-key': key, 'data-value': JSON.stringify(value)},
                         format(value), unit ? element('small', {}, ' ' + unit) : null));
}
const cards = (...list) => add(element('div', {class: 'cards'}, ...list));

function table(head, rows, classes = '') {
  const cell = (tag, value) => value instanceof Node ? element(tag, {}, value)
    : element(tag, {class: typeof value === 'string' && value.length > 60 ? 'text long' : typeof value === 'string' && tag === 'td' ? 'text' : null}, show(value));
  return element('div', {class: 'scroll'}, element('table', {class: classes},
    element('thead', {}, element('tr', {}, ...head.map(value => cell('th', value)))),
    element('tbody', {}, ...rows.map(row => element('tr', {}, ...row.map(value => cell('td', value)))))));
}

/* An object's numbers and words, a row each. */
const listing = object => table(['', ''], Object.entries(object)
  .filter(([, value]) => value === null || typeof value !== 'object')
  .map(([name, value]) => [name.replace(/_/g, ' '), value]));

/* --- charts */

const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const series = index => colour('c' + index % 7);

function scale(text, more = {}) {
  const logarithmic = more.type === 'logarithmic';
  return Object.assign({
    title: {display: true, text, color: colour('quiet')}, grid: {color: colour('grid')},
    ticks: Object.assign({color: colour('quiet'), maxRotation: 0}, logarithmic ? {
      callback: value => /^[125]e/.test(Number(value).toExponential()) ? show(Number(value)) : ''} : {})
  }, more);
}

/* make(): a configuration of Chart.js in the colours of now; head and rows: what it shows, as numbers. */
function chart(caption, make, head, rows, note = '', size = '') {
  const canvas = element('canvas', {role: 'img', 'aria-label': caption});
  const figure = element('figure', {}, element('figcaption', {}, caption),
    note ? element('p', {class: 'quiet'}, note) : null,
    element('div', {class: 'frame ' + size}, canvas),
    rows ? element('details', {}, element('summary', {}, 'As a table'), table(head, rows)) : null);
  charts.push({canvas, make, size, drawn: null});
  return figure;
}

function drawAll() {
  for (const entry of charts) {
    if (entry.drawn)
      entry.drawn.destroy();
    const config = entry.make();
    config.options = Object.assign({animation: false, maintainAspectRatio: false, color: colour('text')}, config.options);
    config.options.plugins = Object.assign({legend: {labels: {color: colour('text'), boxWidth: 14}}}, config.options.plugins);
    entry.drawn = new Chart(entry.canvas, config);
  }
}

const line = (label, data, index, more = {}) => Object.assign({
  label, data, borderColor: series(index), backgroundColor: series(index), borderWidth: 1.8, pointRadius: 0,
  pointHitRadius: 6, showLine: true}, more);

/* Shares of a whole, as one bar. */
function shares(caption, parts, note) {
  const entries = Object.entries(parts).filter(([, value]) => isNumber(value));
  return chart(caption, () => ({type: 'bar',
    data: {labels: [''], datasets: entries.map(([name, value], i) => ({
      label: name.replace(/_/g, ' '), data: [100 * value], backgroundColor: series(i)}))},
    options: {indexAxis: 'y', scales: {
      x: scale('%', {stacked: true, min: 0, max: 100}), y: scale('', {stacked: true, display: false})}}}),
    ['', '%'], entries.map(([name, value]) => [name.replace(/_/g, ' '), 100 * value]), note, 'short');
}

/* --- the page around it */

function theme(name) {
  document.documentElement.dataset.theme = name;
  drawAll();
}

function begin() {
  const other = () => theme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
  add(element('header', {}, element('div', {}, element('h1', {}, title), element('p', {class: 'quiet'}, subtitle)),
              element('button', {type: 'button', onclick: other}, 'Light / dark')));
}

function isBlank(canvas) {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.every((value, i) => value === data[i % 4]);
}

/* What there is to know of the page, for whoever tests it. */
function tell() {
  const blank = charts.filter(entry => isBlank(entry.canvas)).length;
  Object.assign(document.body.dataset, {charts: charts.length, blank, errors: JSON.stringify(errors),
    overflow: document.documentElement.scrollWidth > window.innerWidth, ready: true});
}

function end() {
  if (report.config) {
    heading('Configuration');
    add(element('details', {}, element('summary', {}, 'Everything as resolved, after defaults'),
                element('pre', {}, JSON.stringify(report.config, null, 2))));
  }
  if (command) {
    heading('How to reproduce');
    add(element('pre', {}, command), element('p', {class: 'quiet'},
      `llmsim ${version}. The same command gives the same figures on every machine.`));
  }
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  theme(location.hash === '#dark' || (location.hash !== '#light' && dark.matches) ? 'dark' : 'light');
  dark.addEventListener('change', () => theme(dark.matches ? 'dark' : 'light'));
  /* Paper has its own size, which a chart does not hear of: two beside each other, or one as wide as both. */
  let before = 'light';
  window.addEventListener('beforeprint', () => { before = document.documentElement.dataset.theme; theme('light');
    charts.forEach(entry => entry.size === 'tall' ? entry.drawn.resize(660, 420) : entry.drawn.resize(310, entry.size === 'short' ? 140 : 260)); });
  window.addEventListener('afterprint', () => theme(before));
  document.querySelectorAll('details').forEach(details => details.addEventListener('toggle', tell));
  tell();
}
