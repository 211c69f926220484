// What the two Node peers check of a request: far less than reel does. The sentence that is wrong, or
// undefined.
export function fault(body) {
  if (typeof body !== "object" || body === null) return "The body must be a JSON object.";
  if (typeof body.model !== "string") return "model is required.";
  if (typeof body.prompt !== "string" || body.prompt.length > 2000)
    return "prompt must be a text of up to 2000 characters.";
  for (const side of ["width", "height"])
    if (body[side] !== undefined && !(body[side] >= 256 && body[side] <= 4096))
      return `${side} must be from 256 to 4096.`;
  return undefined;
}
