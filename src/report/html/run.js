/* llmsim run */
const latencies = [['ttft', 'Time to first token'], ['tpot', 'Time per output token'],
                   ['itl', 'Inter-token latency'], ['e2el', 'End-to-end latency']];
const figures = ['mean', 'median', 'p90', 'p95', 'p99'];

begin();
cards(card('Median TTFT', 'median_ttft_ms', 'ms'), card('p99 TTFT', 'p99_ttft_ms', 'ms'),
      card('Median TPOT', 'median_tpot_ms', 'ms'), card('p99 TPOT', 'p99_tpot_ms', 'ms'),
      card('p99 ITL', 'p99_itl_ms', 'ms'), card('Mean E2E', 'mean_e2el_ms', 'ms'),
      card('Requests', 'request_throughput', '/s'), card('Output tokens', 'output_throughput', '/s'),
      card('Goodput', 'request_goodput', '/s'), card('Load', 'saturation.verdict', '', show,
        report.saturation && report.saturation.verdict === 'stable' ? 'good' : 'bad'),
      card('MFU', 'utilisation.mfu', '', percent), card('MBU', 'utilisation.mbu', '', percent),
      card('Completed', 'completed'), card('Failed', 'failed'));

heading('Latency');
const interval = (name, figure) => {
  const of = report.confidence && report.confidence[name] && report.confidence[name][figure + '_ms'];
  return Array.isArray(of) && isNumber(of[0]) ? `${show(of[0])} – ${show(of[1])}` : '–';
};
add(table(['ms', ...figures, '95 % interval of the mean', 'of p99'], latencies.map(([name, label]) =>
  [label, ...figures.map(figure => report[`${figure}_${name}_ms`]), interval(name, 'mean'), interval(name, 'p99')])));

const grid = element('div', {class: 'charts'});
if (extra.distributions) {
  const points = name => (extra.distributions[name] || []).map(([x, y]) => ({x, y}));
  grid.append(chart('Distribution of latencies', () => ({type: 'scatter',
    data: {datasets: latencies.map(([name, label], i) => line(label, points(name), i))},
    options: {scales: {x: scale('ms', {type: 'logarithmic'}), y: scale('% of them are at most so long', {min: 0, max: 100})}}}),
    ['%', ...latencies.map(([, label]) => label + ', ms')],
    (extra.distributions.ttft || []).map(([, share], i) =>
      [share, ...latencies.map(([name]) => ((extra.distributions[name] || [])[i] || [null])[0])]),
    `${(extra.distributions.ttft || []).length} quantiles of each, of all requests (of all gaps, ITL)`));
}
const sharesOf = object => Object.fromEntries(Object.entries(object || {})
  .filter(([name]) => name.endsWith('_share')).map(([name, share]) => [name.replace(/_share$/, ''), share]));
grid.append(element('div', {class: 'stack'}, shares('Where a request\'s time goes', sharesOf(report.request_time),
                   'shares of the time from arrival to end, of all completed requests'),
  shares('What bounds the steps', sharesOf(report.utilisation), 'shares of the time that steps take')));
add(grid);

if (extra.timeline) {
  heading('Over time');
  const {columns, rows, merged, interval_s} = extra.timeline;
  const column = name => columns.indexOf(name);
  const over = name => rows.map(row => ({x: row[column('time_s')], y: row[column(name)]}));
  const time = () => scale('s since the first arrival');
  const note = `means of ${show(interval_s)} s` + (merged > 1 ? `: every ${merged} rows of --timeline are one here` : '');
  const times = (caption, text, names, more) => chart(caption, () => ({type: 'scatter',
    data: {datasets: names.map(([name, label], i) => line(label, over(name), i))},
    options: {scales: {x: time(), y: scale(text, Object.assign({min: 0}, more))}}}),
    ['s', ...names.map(([, label]) => label)],
    rows.map(row => [row[0], ...names.map(([name]) => row[column(name)])]), note);
  add(element('div', {class: 'charts'},
    times('Requests', 'requests', [['running', 'running'], ['waiting', 'waiting']]),
    times('KV cache', 'share of the blocks in use', [['kv_use', 'KV cache in use']], {max: 1}),
    times('Tokens', 'tokens/s', [['prompt_tokens_per_s', 'prompt'], ['output_tokens_per_s', 'output']]),
    times('Traffic', 'requests', [['arrivals', 'arrivals'], ['completed', 'completed']])));
}
if (extra.roofline) {
  heading('Where the steps stand on the roofline');
  add(rooflineChart(extra.roofline, extra.roofline.subtitle));
}
heading('Engine and memory');
add(element('div', {class: 'charts'}, ...['engine', 'kv_cache', 'saturation'].filter(name => report[name])
  .map(name => element('figure', {}, element('figcaption', {}, name.replace(/_/g, ' ')), listing(report[name])))));
end();
