/* What a page looks like, measured in the browser. */
globalThis.checks = {
  /** Labels and flags of drawings that cover each other, or reach out of their figure. */
  badLabels() {
    const bad = []
    for (const figure of document.querySelectorAll('figure.chart')) {
      const name = figure.querySelector('h3').textContent
      const frame = figure.getBoundingClientRect()
      const labels = [...figure.querySelectorAll('svg.plot text, svg.plot .flag rect')]
        .filter((one) => one.tagName === 'rect' || !one.closest('.flag'))
        .map((text) => ({
          text: text.closest('.flag')?.textContent ?? text.textContent,
          box: text.getBoundingClientRect(),
        }))
        .filter(({ box }) => box.width > 0)
      for (const [i, { text, box }] of labels.entries()) {
        if (box.left < frame.left - 1 || box.right > frame.right + 1)
          bad.push(`${name}: ${text} is cut`)
        for (const other of labels.slice(i + 1)) {
          const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left)
          const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top)
          // Boxes have the height of a line: letters are two pixels off their edges.
          if (across > 0 && down > 4) bad.push(`${name}: ${text} covers ${other.text}`)
        }
      }
    }
    return bad
  },

  /** Texts with too little contrast to what is behind them. */
  faintTexts(least) {
    const bad = new Set()
    const paper = getComputedStyle(document.body).backgroundColor
    for (const element of document.querySelectorAll('body *:not(script):not(style)')) {
      const own = [...element.childNodes].some(
        (node) => node.nodeType === 3 && node.data.trim() !== '',
      )
      if (!own || element.getBoundingClientRect().width === 0) continue
      const style = getComputedStyle(element)
      const flag = element.closest('.flag.fault')
      const behind = flag
        ? getComputedStyle(flag.querySelector('rect')).fill
        : backgroundOf(element, paper)
      const colour = element instanceof SVGElement ? style.fill : style.color
      const reached = contrast(colour, behind)
      if (reached < least) bad.add(`${element.textContent}: ${colour} on ${behind}, ${reached}`)
    }
    return [...bad]
  },

  /** Of each drawing: dash of its lines, and the contrast of each to the paper. */
  lines() {
    const paper = getComputedStyle(document.body).backgroundColor
    return [...document.querySelectorAll('svg.geometry')].map((drawing) =>
      [...drawing.querySelectorAll('.line')].map((line) => {
        const { stroke, strokeDasharray } = getComputedStyle(line)
        return { dash: strokeDasharray, contrast: contrast(stroke, paper) }
      }),
    )
  },
}

function backgroundOf(element, paper) {
  for (let at = element; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at)
    if (backgroundColor !== 'rgba(0, 0, 0, 0)') return backgroundColor
  }
  return paper
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

function luminance(colour) {
  const [red, green, blue] = colour
    .match(/[\d.]+/g)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
