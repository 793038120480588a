/* llmsim validate */
const metrics = [['ttft', 'Time to first token'], ['tpot', 'Time per output token'], ['e2e', 'End-to-end latency']];
const rows = ['mean', 'median', 'p90', 'p95', 'p99'];

begin();
const signed = value => (value > 0 ? '+' : '') + value.toFixed(2);
cards(...metrics.flatMap(([name, label]) => [card(`Error of mean ${label.toLowerCase()}`, `all.${name}.mean_ms.error_pct`, '%', signed),
  card('Mean error of a request (MAPE)', `all.${name}.mape_pct`, '%', value => value.toFixed(2))]), card('Requests', 'requests'));
add(element('p', {}, report.verdict));

heading('Predicted over measured');
add(element('div', {class: 'charts'}, ...metrics.filter(([name]) => extra.pairs[name] && extra.pairs[name].points.length).map(([name, label]) => {
  const {points, every} = extra.pairs[name];
  const positive = points.filter(([measured, predicted]) => measured > 0 && predicted > 0);
  const low = Math.min(...positive.flat()), high = Math.max(...positive.flat());
  const along = (factor, dash, i) => line(factor === 1 ? 'equal' : factor > 1 ? '10 % more, 10 % less' : '',
    [{x: low, y: low * factor}, {x: high, y: high * factor}], i, {borderColor: colour('quiet'), borderDash: dash, borderWidth: 1});
  return chart(label, () => ({type: 'scatter', data: {datasets: [
      {label: 'requests', data: positive.map(([x, y]) => ({x, y})), backgroundColor: series(0) + '80', borderColor: series(0), pointRadius: 2.5},
      along(1, [], 6), along(1.1, [4, 4], 6), along(1 / 1.1, [4, 4], 6)]},
    options: {scales: {x: scale('measured, ms', {type: 'logarithmic'}), y: scale('predicted, ms', {type: 'logarithmic'})},
      plugins: {legend: {labels: {color: colour('text'), boxWidth: 14, filter: item => item.text !== ''}}}}}),
    ['measured, ms', 'predicted, ms'], points, every > 1 ? `one request in ${every} is shown` : 'every request');
})));

heading('Distributions');
add(element('div', {class: 'charts'}, ...metrics.filter(([name]) => extra.pairs[name] && extra.pairs[name].quantiles.length).map(([name, label]) => {
  const quantiles = extra.pairs[name].quantiles;
  const curve = i => quantiles.map(row => ({x: row[i], y: row[0]}));
  return chart(label, () => ({type: 'scatter', data: {datasets: [line('measured', curve(1), 1), line('predicted', curve(2), 0)]},
    options: {scales: {x: scale('ms', {type: 'logarithmic'}), y: scale('% of the requests', {min: 0, max: 100})}}}),
    ['%', 'measured, ms', 'predicted, ms'], quantiles, `${quantiles.length} quantiles, of all requests`);
})));

for (const [part, label] of [['all', 'All requests'], ['unqueued', 'Requests that did not queue'], ['queued', 'Requests that queued']]) {
  if (!report[part])
    continue;
  heading(label);
  add(table(['', 'requests', ...rows.flatMap(row => [`${row}: measured, ms`, 'predicted', 'error %']), 'MAPE %'],
    metrics.map(([name, text]) => [text, report[part][name].requests, ...rows.flatMap(row => {
      const figure = report[part][name][row + '_ms'] || {};
      return [figure.measured, figure.predicted, figure.error_pct];
    }), report[part][name].mape_pct])));
}
heading('Throughput and the error\'s parts');
add(table(['', 'measured', 'predicted'], ['request_throughput', 'output_throughput', 'makespan_s'].map(name =>
  [name.replace(/_/g, ' '), report.measured[name], report.predicted[name]])), listing(report.e2e_error_by_part || {}));
if (report.notes && report.notes.length)
  add(element('h2', {}, 'Notes'), element('ul', {}, ...report.notes.map(note => element('li', {}, note))));
end();
