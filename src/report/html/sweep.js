/* llmsim sweep, and llmsim capacity of a sweep */
const {keys, rows} = report;
const done = rows.filter(row => row.status === 'done'), failed = rows.filter(row => row.status !== 'done');
const short = key => key.replace(/^.*\./, '');
const settings = row => keys.filter(key => row.values[key] !== null).map(key => `${short(key)} ${row.values[key]}`).join(', ');
const names = done.length ? Object.keys(done[0]).filter(name => name !== 'run' && done.some(row => isNumber(row[name]))) : [];
const isCapacity = names.includes('capacity');
const perUser = 'tokens_per_s_per_user', perAccelerator = 'tokens_per_s_per_accelerator';

/* Those that no other is better than in one figure and as good in the other. */
function front(points) {
  const kept = [];
  for (const point of [...points].sort((a, b) => b.x - a.x || b.y - a.y))
    if (!kept.length || point.y > kept[kept.length - 1].y)
      kept.push(point);
  return kept;
}
const isLess = name => /(_ms|dollars.*|duration|failed|accelerators|servers)$/.test(name);
const select = (options, chosen, change) => element('select', {onchange: event => change(event.target.value)},
  ...options.map(name => element('option', name === chosen ? {value: name, selected: ''} : {value: name}, name)));
const choice = (label, control) => element('label', {}, label, control);

begin();
if (report.every > 1)
  add(element('p', {}, `Of the ${report.runs} runs every ${report.every}th is on this page: the file of rows has all.`));
const count = (label, value, tone) => element('div', {class: 'card'}, element('span', {}, label), element('b', {class: tone}, show(value)));
const overloaded = done.filter(row => row.saturation === 'overloaded');
const sustained = done.filter(row => row.saturation !== 'overloaded' && isNumber(row[perUser]) && isNumber(row[perAccelerator]));
add(element('div', {class: 'cards'}, count('Runs', rows.length), count('Failed', failed.length, failed.length ? 'bad' : ''),
  count('Overloaded', overloaded.length), count('On the front', front(sustained.map(row => ({x: row[perUser], y: row[perAccelerator]}))).length)));

/* --- the trade-off */

let x = perUser, y = perAccelerator, group = keys[0], withOverloaded = false;
const slot = element('div');
function tradeOff() {
  const shown = (withOverloaded ? done : done.filter(row => row.saturation !== 'overloaded')).filter(row => isNumber(row[x]) && isNumber(row[y]));
  const point = row => ({x: row[x], y: row[y], row});
  const flip = value => ({x: isLess(x) ? -value.x : value.x, y: isLess(y) ? -value.y : value.y, row: value.row});
  const best = front(shown.map(point).map(flip)).map(value => point(value.row)).sort((a, b) => a.x - b.x);
  const groups = [...new Set(shown.map(row => row.values[group]))];
  const datasets = () => [...groups.map((value, i) => ({label: `${short(group)} ${value}`, backgroundColor: series(i) + 'b0', borderColor: series(i),
      pointStyle: ['circle', 'rect', 'triangle', 'rectRot', 'star', 'cross', 'crossRot'][Math.floor(i / 7) % 7],
      pointRadius: 4, data: shown.filter(row => row.values[group] === value).map(point)})),
    line('Pareto front', best, 6, {borderColor: colour('text'), borderWidth: 1.3})];
  charts.splice(0, charts.length, ...charts.filter(entry => !slot.contains(entry.canvas)));
  slot.replaceChildren(chart(`${y.replace(/_/g, ' ')} against ${x.replace(/_/g, ' ')}`, () => ({type: 'scatter', data: {datasets: datasets()},
    options: {scales: {x: scale(x.replace(/_/g, ' ')), y: scale(y.replace(/_/g, ' '))}, plugins: {
      legend: {position: 'bottom', labels: {color: colour('text'), usePointStyle: true, boxWidth: 8}},
      tooltip: {callbacks: {label: context => context.raw.row ? [`run ${context.raw.row.run}: ${settings(context.raw.row)}`,
        `${show(context.raw.x)}, ${show(context.raw.y)}`] : ''}}}}}),
    ['run', ...keys.map(short), x, y], best.map(({row}) => [row.run, ...keys.map(key => row.values[key]), row[x], row[y]]),
    `${shown.length} of ${done.length} runs` + (withOverloaded ? '' : `: ${overloaded.length} were overloaded, and serve at no such speed`) +
    '; the table has the front', 'tall'));
}
const redraw = change => value => { change(value); tradeOff(); drawAll(); tell(); };
if (done.length) {
  heading('Trade-off');
  add(element('div', {class: 'choices'}, choice('across', select(names, x, redraw(value => { x = value; }))),
    choice('up', select(names, y, redraw(value => { y = value; }))), choice('colour', select(keys, group, redraw(value => { group = value; }))),
    choice('overloaded runs too', element('input', {type: 'checkbox', onchange: event => redraw(value => { withOverloaded = value; })(event.target.checked)}))));
  tradeOff();
  add(slot);
}

/* --- a heat map over two keys */

const valuesOf = key => [...new Set(rows.map(row => row.values[key]))];
let across = keys[keys.length - 1], down = keys.length > 1 ? keys[0] : null;
let figure = isCapacity ? 'capacity_requests_per_s' : perAccelerator;
const heatSlot = element('div');
function heat() {
  const best = group => group.length ? group.reduce((a, b) => (isLess(figure) ? b[figure] < a[figure] : b[figure] > a[figure]) ? b : a) : null;
  const cells = valuesOf(down).map(v => valuesOf(across).map(w => best(done.filter(row => row.values[down] === v && row.values[across] === w && isNumber(row[figure])))));
  const all = cells.flat().filter(Boolean).map(row => row[figure]), low = Math.min(...all), high = Math.max(...all);
  const cell = row => {
    if (!row)
      return element('td', {}, '–');
    const share = high > low ? (row[figure] - low) / (high - low) : 0.5, depth = isLess(figure) ? 1 - share : share;
    return element('td', {title: `run ${row.run}: ${settings(row)}`,
      style: `background: hsl(208 70% ${92 - 62 * depth}%); color: ${depth > 0.45 ? '#fff' : '#111'}`}, show(row[figure]));
  };
  heatSlot.replaceChildren(element('div', {class: 'scroll'}, element('table', {class: 'heat'},
    element('thead', {}, element('tr', {}, element('th', {}, `${short(down)} \\ ${short(across)}`), ...valuesOf(across).map(value => element('th', {}, show(value))))),
    element('tbody', {}, ...valuesOf(down).map((value, i) => element('tr', {}, element('th', {}, show(value)), ...cells[i].map(cell)))))));
}
if (keys.length > 1 && done.length) {
  heading('Heat map');
  const change = set => value => { set(value); heat(); tell(); };
  add(element('div', {class: 'choices'}, choice('figure', select(names, figure, change(value => { figure = value; }))),
    choice('down', select(keys, down, change(value => { down = value; }))), choice('across', select(keys, across, change(value => { across = value; })))),
    element('p', {class: 'quiet'}, 'The darker the better. Where more than one run falls into a cell, it shows the best of them.'), heatSlot);
  heat();
}

/* --- all rows */

heading('Runs');
const columns = ['run', ...keys.map(short), ...(isCapacity ? ['capacity', 'capacity_requests_per_s', 'load_accelerators', 'load_dollars_per_hour', 'limiting'] : []),
  perUser, perAccelerator, 'median_ttft_ms', 'p99_ttft_ms', 'median_tpot_ms', 'p99_tpot_ms', 'request_goodput', 'dollars_per_million_tokens', 'saturation']
  .filter(name => keys.map(short).includes(name) || done.some(row => row[name] !== null && row[name] !== undefined));
const value = (row, name) => keys.map(short).includes(name) ? row.values[keys[keys.map(short).indexOf(name)]] : row[name];
let order = 'run', falling = false;
const most = 1000, list = element('div');
function listRows() {
  const number = row => { const of = value(row, order); return of !== null && of !== '' && isFinite(of) ? Number(of) : of; };
  const sorted = [...done].sort((a, b) => (number(a) < number(b) ? -1 : number(a) > number(b) ? 1 : a.run - b.run) * (falling ? -1 : 1));
  list.replaceChildren(table(columns.map(name => element('button', {type: 'button', onclick: () => {
    falling = order === name && !falling; order = name; listRows(); }}, name.replace(/_/g, ' ') + (order === name ? falling ? ' ▾' : ' ▴' : ''))),
    sorted.slice(0, most).map(row => columns.map(name => value(row, name)))));
}
listRows();
add(element('p', {class: 'quiet'}, done.length > most ? `${most} of the ${done.length} runs, in the order of the column clicked at` : 'A click at a column sorts by it.'), list);
if (failed.length) {
  heading('Failed runs');
  add(table(['run', ...keys.map(short), 'why'], failed.slice(0, most).map(row => [row.run, ...keys.map(key => row.values[key]), row.error])));
}
end();
