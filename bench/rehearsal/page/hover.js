/* Values under the pointer, or under a mark that the arrow keys move; the page is whole without it. */
{
  const canvases = [...document.querySelectorAll('.canvas')].filter(
    ({ dataset }) => dataset.lines !== undefined,
  )
  const number = (value) =>
    value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 })
  const bytes = (value) => `${number(value / 2 ** 20)} MiB`

  const prepare = (canvas) => {
    const plot = canvas.querySelector('svg.plot')
    const lines = JSON.parse(canvas.dataset.lines)
    const [first] = lines
    const width = Number(canvas.dataset.width)
    const box = document.createElement('div')
    box.className = 'readout'
    box.setAttribute('role', 'status')
    box.hidden = true
    const hair = document.createElement('div')
    hair.className = 'hair'
    hair.hidden = true
    canvas.append(hair, box)
    const read = canvas.dataset.unit === 'bytes' ? bytes : number
    const points = first[1].length
    let at = 0

    // The browser's own tip with the title would cover the values.
    const title = plot.querySelector('title')
    plot.setAttribute('aria-label', title.textContent)
    plot.removeAttribute('aria-labelledby')
    title.remove()

    const show = (index) => {
      at = Math.min(points - 1, Math.max(0, index))
      const place = ((at + 0.5) / points) * width
      const left = plot.getBoundingClientRect().left - canvas.getBoundingClientRect().left
      const x = left + place * plot.clientWidth
      hair.style.left = `${x}px`
      hair.style.top = `${plot.getBoundingClientRect().top - canvas.getBoundingClientRect().top}px`
      hair.style.height = `${plot.clientHeight}px`
      box.replaceChildren(
        ...[
          clockOf(canvas, at),
          ...lines.map(([name, values]) => textOf(name, values[at], read)),
        ].map((text) => {
          const row = document.createElement('div')
          row.textContent = text
          return row
        }),
      )
      hair.hidden = false
      box.hidden = false
      const room = canvas.clientWidth - box.offsetWidth
      box.style.left = `${Math.max(0, x + 12 > room ? Math.min(room, x - 12 - box.offsetWidth) : x + 12)}px`
      box.style.top = hair.style.top
    }
    const hide = () => {
      hair.hidden = true
      box.hidden = true
    }

    canvas.tabIndex = 0
    canvas.setAttribute('role', 'group')
    canvas.setAttribute('aria-label', `${title.textContent}: arrow keys read values`)
    canvas.addEventListener('pointermove', ({ clientX }) => {
      const { left } = plot.getBoundingClientRect()
      const part = (clientX - left) / plot.clientWidth / width
      if (part >= 0 && part <= 1) show(Math.floor(part * points))
      else hide()
    })
    canvas.addEventListener('pointerleave', hide)
    canvas.addEventListener('blur', hide)
    canvas.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key]
      if (event.key === 'Escape') hide()
      if (step === undefined) return
      event.preventDefault()
      show(box.hidden ? at : at + step)
    })
  }

  const clocks = new Map()
  const clockOf = ({ dataset }, at) => {
    if (!clocks.has(dataset.clock)) {
      clocks.set(dataset.clock, JSON.parse(document.getElementById(dataset.clock).textContent))
    }
    const time = clocks.get(dataset.clock)[at]
    return [time / 3600, (time / 60) % 60, time % 60]
      .map((part) => String(Math.floor(part)).padStart(2, '0'))
      .join(':')
  }

  const textOf = (name, value, read) => {
    if (value === 0) return `${name}: –`
    const [middle, low, high] = value
    return low === undefined
      ? `${name}: ${read(middle)}`
      : `${name}: ${read(middle)} (${read(low)} to ${read(high)})`
  }

  for (const canvas of canvases) prepare(canvas)
}
