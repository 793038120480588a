/* llmsim capacity */
const points = [...report.points].sort((a, b) => a.load - b.load);
const promises = report.slo, unit = report.unit;
const say = promise => promise.name === 'goodput' ? `${100 * promise.limit} % of the requests good` : `${promise.name} at most ${promise.limit}`;

begin();
cards(card('Capacity', 'capacity', unit), card('that is', 'capacity_requests_per_s', 'requests/s'),
      card('broken at', 'too_much', unit), card('Output tokens', 'cost.output_tokens_per_s', '/s'),
      card('Accelerators for the load', 'fleet.accelerators'), card('Dollars an hour', 'fleet.cost.dollars_per_hour', '$'),
      card('Dollars a million output tokens', 'fleet.cost.dollars_per_million_output_tokens', '$'),
      card('Output tokens a dollar', 'fleet.cost.output_tokens_per_dollar'), card('Power', 'fleet.cost.power_w', 'W'),
      card('kWh a million output tokens', 'fleet.cost.kwh_per_million_output_tokens'), card('Runs', 'runs'));
add(element('p', {}, 'Promised: ' + promises.map(say).join(', ') + (report.keeps_up ? ', and not overloaded.' : '.')));
if (report.fleet)
  add(element('p', {}, `For ${show(report.fleet.load)} ${unit}: ${report.fleet.servers} servers of ${report.accelerators} accelerators, ${show(report.fleet.each.load)} each.`));

heading('What the load does');
const use = (point, promise) => promise.name === 'goodput' ? (1 - point.slo.goodput) / Math.max(1 - promise.limit, 1e-9) : point.slo[promise.name] / promise.limit;
const edge = () => line('the limit', [{x: points[0].load, y: 100}, {x: points[points.length - 1].load, y: 100}], 6, {borderDash: [5, 4], borderColor: colour('bad')});
const against = (caption, text, lines, note, more) => chart(caption, () => ({type: 'scatter', data: {datasets: [...lines.map(([label, of], i) =>
    line(label, points.map(point => ({x: point.load, y: of(point)})).filter(at => isNumber(at.y)), i, {pointRadius: 3})), ...(more ? [more()] : [])]},
  options: {scales: {x: scale(unit), y: scale(text, more ? {type: 'logarithmic'} : {min: 0})}}}),
  [unit, ...lines.map(([label]) => label)], points.map(point => [point.load, ...lines.map(([, of]) => of(point))]), note);
add(element('div', {class: 'charts'},
  against('How far the promises are used up', '% of the limit', promises.map(promise => [promise.name === 'goodput' ? 'bad requests' : promise.name,
    point => 100 * use(point, promise) || null]), 'every load that was tried; above the line the SLO is broken', edge),
  against('Throughput', 'output tokens/s', [['output tokens/s', point => point.output_throughput]], 'every load that was tried'),
  against('Latency', 'ms', [['median TTFT', point => point.median_ttft_ms], ['mean TPOT', point => point.mean_tpot_ms]], 'every load that was tried'),
  chart('Trade-off', () => ({type: 'scatter', data: {datasets: [line('loads', points.filter(point => point.mean_tpot_ms > 0)
      .map(point => ({x: 1e3 / point.mean_tpot_ms, y: point.output_throughput / report.accelerators})), 0, {pointRadius: 4})]},
    options: {scales: {x: scale('output tokens/s a user'), y: scale('output tokens/s an accelerator')}}}),
    ['tokens/s a user', 'tokens/s an accelerator'], points.map(point => [1e3 / point.mean_tpot_ms, point.output_throughput / report.accelerators]))));

heading('Loads that were tried');
add(table([unit, ...promises.map(promise => promise.name), 'output tokens/s', 'busy', 'SLO', 'load'], points.map(point => [point.load,
  ...promises.map(promise => point.slo[promise.name]), point.output_throughput, percent(point.busy_share), point.meets_slo ? 'met' : 'broken', point.saturation])));
heading('Cost');
add(table(['', 'one server at capacity', 'all servers at the load'], Object.keys(report.cost).map(name =>
  [name.replace(/_/g, ' '), report.cost[name], report.fleet ? report.fleet.cost[name] : null])));
end();
