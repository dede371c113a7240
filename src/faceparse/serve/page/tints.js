/** The controls of new colours: for each region a tick, a colour, ready colours, and a strength. */

const REGIONS = [
  {
    name: "hair", title: "Hair", strength: 100,
    colours: { Black: "#1c1614", Brown: "#5b3a24", Copper: "#a0522d", Red: "#8c1c13", Blonde: "#e3c690", Violet: "#6a1fb0", Blue: "#2b5fae" },
  },
  {
    name: "lips", title: "Lips", strength: 70,
    colours: { Crimson: "#b0103a", Rose: "#d1566b", Coral: "#e0694f", Plum: "#6e1840", Nude: "#b9776a" },
  },
]

const place = document.getElementById("tints")

/** Build the controls; `change()` is called whenever the edits change. */
export function buildTints(change) {
  place.replaceChildren(...REGIONS.map((region) => build(region, change)))
}

/** Hide the regions that a parsing's classes do not have. */
export function limitTints(parsing) {
  for (const part of place.children) {
    part.hidden = !parsing.has(part.dataset.name)
    part.querySelector(".on").checked &&= !part.hidden
  }
}

/** Return the edits as the query has them, such as `hair=#a0522d,strength=0.6`. */
export function edits() {
  return [...place.children].filter((part) => part.querySelector(".on").checked).map((part) =>
    `${part.dataset.name}=${part.querySelector("[type=color]").value},strength=${part.querySelector("[type=range]").value / 100}`)
}

function build({ name, title, strength, colours }, change) {
  const part = document.getElementById("tint").content.cloneNode(true).firstElementChild
  const [on, colour, slider] = part.querySelectorAll("input")
  const output = part.querySelector("output")
  part.dataset.name = name
  part.querySelector("legend span").textContent = title
  colour.setAttribute("aria-label", `Colour of the ${name}`)
  slider.setAttribute("aria-label", `Strength for the ${name}`)
  colour.value = colours.Copper ?? colours.Crimson
  slider.value = strength
  const turnOn = () => {
    on.checked = true
    output.textContent = `${slider.value} %`
    change()
  }
  on.addEventListener("change", change)
  colour.addEventListener("input", turnOn)
  slider.addEventListener("input", turnOn)
  output.textContent = `${slider.value} %`
  part.querySelector(".ready").append(...Object.entries(colours).map(([word, value]) => {
    const one = document.createElement("button")
    one.type = "button"
    one.title = word
    one.setAttribute("aria-label", `${title}: ${word}`)
    one.style.setProperty("--colour", value)
    one.addEventListener("click", () => {
      colour.value = value
      turnOn()
    })
    return one
  }))
  return part
}
