/* llmsim roofline */
begin();
const steps = ['prefill', 'decode'].filter(name => report[name]);
if (steps.length) {
  cards(...steps.flatMap(name => [card(`A ${name} step`, `${name}.total.time_s`, 'ms', value => show(1e3 * value)),
    card(`${name}: bound by`, `${name}.total.bound`), card(`${name}: MFU`, `${name}.total.mfu`, '', percent),
    card(`${name}: MBU`, `${name}.total.mbu`, '', percent)]),
    card('FLOPs/byte of the workload', 'balance.intensity_flops_per_byte'), card('Ridge point', 'balance.ridge_flops_per_byte'));
}
heading('Roofline');
add(rooflineChart(extra.plot, 'the larger a mark, the more of its step\'s time'));
for (const name of steps) {
  heading(`Operators of a ${name} step`);
  const step = report[name], ms = time => 1e3 * time;
  const bounds = Object.fromEntries(Object.entries(step.total.time_by_bound).map(([bound, time]) =>
    [bound.replace(/_s$/, ''), step.total.time_s > 0 ? time / step.total.time_s : null]));
  add(shares(`What bounds it`, bounds, 'shares of the step\'s time'));
  add(table(['operator', 'calls', 'GFLOPs', 'MB moved', 'FLOPs/byte', 'ms', 'share %', 'bound', 'MFU %', 'MBU %'],
    [...step.operators, step.total].map(one => [one.name, one.calls, one.flops / 1e9, one.moved_bytes / 1e6,
      one.intensity_flops_per_byte, ms(one.time_s), 100 * one.share, one.bound, 100 * one.mfu, 100 * one.mbu])));
}
if (report.balance) {
  heading('Balance');
  add(listing(report.balance));
}
if (!steps.length && Object.keys(report).length > 0)
  add(listing(report), ...Object.entries(report).filter(([, value]) => value && typeof value === 'object' && !Array.isArray(value))
    .map(([name, value]) => element('div', {}, element('h2', {}, name), listing(value))));
end();
