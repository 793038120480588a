/* Operators under the roofs of an accelerator: intensity against speed. */
function rooflineChart(plot, note) {
  const {x_low, x_high, y_low, y_high} = plot.axes, tera = 1e12;
  const bandwidth = plot.memory_bandwidth_bytes_per_s;
  const highest = Math.max(...plot.roofs.map(roof => roof.peak_flops_per_s));
  const shapes = {prefill: 'circle', decode: 'rectRot', GEMM: 'rect'};
  const kinds = [...new Set(plot.points.map(point => point.kind))];
  const describe = context => {
    const point = context.raw.point;
    return [`${point.label} (${point.kind})`,
      `${show(point.achieved_flops_per_s / tera)} TFLOP/s at ${show(point.intensity_flops_per_byte)} FLOPs/byte`,
      `${show(point.flops / 1e9)} GFLOPs, ${show(point.moved_bytes / 1e6)} MB, ${show(point.time_s * 1e3)} ms`,
      `bound by ${point.bound}`].concat(point.kind === 'GEMM' ? [] : [`${percent(point.share)} of the step's time`]);
  };
  /* Names beside the points, where a name before has not taken the place. */
  const names = {id: 'names', afterDatasetsDraw(chart) {
    const context = chart.ctx, taken = [];
    context.save();
    context.font = '11px sans-serif';
    context.fillStyle = colour('text');
    chart.data.datasets.forEach((dataset, i) => {
      if (!dataset.pointStyle || !chart.isDatasetVisible(i))
        return;
      chart.getDatasetMeta(i).data.forEach((mark, j) => {
        const text = dataset.data[j].point.label, width = context.measureText(text).width;
        const gap = dataset.pointRadius[j] + 4;
        const places = [[mark.x + gap, mark.y], [mark.x - gap - width, mark.y],
                        [mark.x - width / 2, mark.y + gap + 6], [mark.x - width / 2, mark.y - gap - 6]];
        const place = places.find(([left, middle]) => left > 0 && left + width < chart.width && taken.every(box =>
          left > box[0] + box[2] || left + width < box[0] || Math.abs(middle - box[1]) > 12));
        if (place === undefined)
          return;
        taken.push([place[0], place[1], width]);
        context.fillText(text, place[0], place[1] + 4);
      });
    });
    context.restore();
  }};
  const roof = (label, from, to, i) => ({label, data: [from, to], showLine: true, borderColor: colour('quiet'),
    borderDash: i === 0 ? [] : [8 - i, 3], borderWidth: 2, pointRadius: 0, pointHitRadius: 0});
  const datasets = () => [
    ...plot.roofs.map(({dtype, peak_flops_per_s: peak}, i) => roof(`${dtype} ${show(peak / tera)} TFLOP/s`,
      {x: peak / bandwidth, y: peak / tera}, {x: x_high, y: peak / tera}, i)),
    roof(`${show(bandwidth / 1e9)} GB/s`, {x: x_low, y: x_low * bandwidth / tera},
         {x: highest / bandwidth, y: highest / tera}, 0),
    ...kinds.map((name, i) => {
      const points = plot.points.filter(point => point.kind === name);
      return {label: name, pointStyle: shapes[name], borderColor: series(i), backgroundColor: series(i) + '99',
        pointRadius: points.map(point => 4 + 11 * Math.sqrt(point.share)),
        data: points.map(point => ({x: point.intensity_flops_per_byte, y: point.achieved_flops_per_s / tera, point}))};
    })];
  return chart('Roofline', () => ({type: 'scatter', data: {datasets: datasets()}, plugins: [names],
    options: {scales: {x: scale('Operational intensity (FLOPs/byte)', {type: 'logarithmic', min: x_low, max: x_high}),
                       y: scale('Performance (TFLOP/s)', {type: 'logarithmic', min: y_low / tera, max: y_high / tera})},
      plugins: {legend: {labels: {usePointStyle: true, color: colour('text')}},
                tooltip: {filter: item => item.raw.point !== undefined, callbacks: {label: describe}}}}}),
    ['operator', 'step', 'FLOPs/byte', 'TFLOP/s', 'ms', 'share %', 'bound'],
    plot.points.map(point => [point.label, point.kind, point.intensity_flops_per_byte,
      point.achieved_flops_per_s / tera, 1e3 * point.time_s, 100 * point.share, point.bound]), note, 'tall');
}
