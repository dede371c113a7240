/** The label of every pixel, from the run lengths in the server's JSON: exact, as no colours are guessed. */

/** Return the lengths of COCO's compressed runs: outside, inside, outside, … */
export function runLengths(text) {
  const lengths = []
  for (let at = 0; at < text.length;) {
    let value = 0, shift = 0, code
    do {
      code = text.charCodeAt(at++) - 48
      value |= (code & 31) << shift
      shift += 5
    } while (code & 32)
    if (code & 16) value |= -1 << shift // a negative number
    if (lengths.length > 2) value += lengths.at(-2)
    lengths.push(value)
  }
  return lengths
}

export class LabelMap {
  /** `masks` is a list of [label, run lengths as text]; pixels in none of them get the label `rest`. */
  constructor(width, height, masks, rest) {
    this.width = width
    this.height = height
    this.labels = new Uint8Array(width * height).fill(rest) // column after column, as the runs are
    for (const [label, text] of masks) {
      let place = 0
      runLengths(text).forEach((length, index) => {
        if (index % 2) this.labels.fill(label, place, place + length)
        place += length
      })
    }
  }

  /** Return the label of the pixel in which the point lies. */
  at(x, y) {
    const column = Math.min(Math.max(Math.floor(x), 0), this.width - 1)
    const row = Math.min(Math.max(Math.floor(y), 0), this.height - 1)
    return this.labels[column * this.height + row]
  }

  /** Paint the map over a canvas of any size, with the colour of each label: 256 numbers, as the pixels' bytes lie. */
  paint(canvas, colours) {
    const context = canvas.getContext("2d")
    const image = context.createImageData(canvas.width, canvas.height)
    const pixels = new Uint32Array(image.data.buffer)
    for (let x = 0; x < canvas.width; x++) {
      const column = Math.floor((x + 0.5) * this.width / canvas.width) * this.height
      for (let y = 0; y < canvas.height; y++) {
        const row = Math.floor((y + 0.5) * this.height / canvas.height)
        pixels[y * canvas.width + x] = colours[this.labels[column + row]]
      }
    }
    context.putImageData(image, 0, 0)
  }
}
