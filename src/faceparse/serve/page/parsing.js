/** A picture's parsing: its classes with everyday names and colours, its faces, its label map. */

import { LabelMap } from "./labelmap.js"

const NO_CLASS = 255

export class Parsing {
  /** `record` is the answer of v1/parse, `schemes` that of v1/labels. */
  constructor(record, schemes) {
    const scheme = schemes.find(({ name }) => name === record.scheme.name)
    const { width, height } = record.picture
    this.width = width
    this.height = height
    this.faces = record.faces
    this.seconds = record.seconds
    this.leftMeans = scheme.left_means
    this.classes = scheme.classes.map((one) => ({ ...one, title: title(one), area: record.classes[one.name]?.area ?? 0 }))
    const label = Object.fromEntries(scheme.classes.map((one) => [one.name, one.label]))
    const masks = Object.entries(record.masks).map(([name, { counts }]) => [label[name], counts])
    this.map = new LabelMap(width, height, masks, label.background ?? NO_CLASS)
  }

  /** The classes that the picture shows, without the background, the largest first. */
  get shown() {
    return this.classes.filter(({ name, area }) => area && name !== "background").sort((a, b) => b.area - a.area)
  }

  /** Whether the scheme has a class of this name or group. */
  has(name) {
    return this.classes.some((one) => one.name === name || one.groups.includes(name))
  }

  /** Return the class at a point of the picture, and the number of its face: 0 on the background or without faces. */
  at(x, y) {
    const label = this.map.at(x, y)
    const one = this.classes[label] ?? { label, name: "", title: "no class", overlay_colour: [0, 0, 0] }
    return { ...one, face: one.name && one.name !== "background" ? this.#nearestFace(x, y) : 0 }
  }

  /** As the server tells faces apart: the distance to the box's centre, by the box's longer side. */
  #nearestFace(x, y) {
    const distances = this.faces.map(({ box: [x0, y0, x1, y1] }) =>
      Math.hypot(x - (x0 + x1) / 2, y - (y0 + y1) / 2) / Math.max(x1 - x0, y1 - y0))
    return distances.indexOf(Math.min(...distances)) + 1
  }
}

function title({ name, aliases }) {
  return (aliases[0] ?? name).replaceAll("_", " ")
}
