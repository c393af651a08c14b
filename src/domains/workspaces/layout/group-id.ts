/** Ids for groups that nobody named. */

/**
 * The id of a group that an operation makes when the command names none: a UUID (RFC 9562, version 8) of the tab, the
 * correlation id and the node at hand, so that srv, an optimistic client and a retry come to the same one.
 *
 * @param taken whether the layout has a node of that id; then the next one is tried.
 */
export function deriveGroupId(
  tabId: string,
  correlationId: string,
  nodeId: string,
  taken: (id: string) => boolean,
): string {
  for (let attempt = 0; ; attempt++) {
    const id = uuidOf(JSON.stringify([tabId, correlationId, nodeId, attempt]));
    if (!taken(id)) return id;
  }
}

function uuidOf(text: string): string {
  const hex = hash128(text)
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/**
 * Four 32-bit lanes, multiplied and mixed (cyrb128). Spreads ids; guards against nobody, which `taken` does. Browsers
 * have no synchronous digest.
 */
function hash128(text: string): number[] {
  let a = 1779033703;
  let b = 3144134277;
  let c = 1013904242;
  let d = 2773480762;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = b ^ Math.imul(a ^ unit, 597399067);
    b = c ^ Math.imul(b ^ unit, 2869860233);
    c = d ^ Math.imul(c ^ unit, 951274213);
    d = a ^ Math.imul(d ^ unit, 2716044179);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  return [(a ^ b ^ c ^ d) >>> 0, (b ^ a) >>> 0, (c ^ a) >>> 0, (d ^ a) >>> 0];
}
