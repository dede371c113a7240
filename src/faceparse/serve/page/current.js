/** The picture at hand, which the parts of the page share. */

export const current = {
  file: null,
  stem: "", // its name without the suffix
  readable: true, // by the browser, and the same way up as the server has it
  record: null, // the server's JSON as it came
  parsing: null, // what the JSON says
  edited: null, // the picture in new colours, as the server sent it
}

const addresses = {}

/** Return an address of a blob for an image, until the next blob of this kind. */
export function address(kind, blob) {
  if (addresses[kind]) URL.revokeObjectURL(addresses[kind])
  addresses[kind] = URL.createObjectURL(blob)
  return addresses[kind]
}
