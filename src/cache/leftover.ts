/** Whether a path is of an interrupted download: `.incomplete` (NGC, Hugging Face), or in the hub's folder for them. */
export function isLeftover(path: string): boolean {
  return path.endsWith('.incomplete') || /(?:^|\/)ngc\/hub\/tmp\//.test(path)
}
