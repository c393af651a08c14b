/** SGR sequences (ECMA-48 §8.3.117, with the colon-free extended colours every terminal takes) from a cell's attributes. */

/** The part of xterm's cell and pen objects that names attributes; flags are truthy numbers. */
export interface Attributes extends UnderlineAttributes {
  isBold(): number;
  isDim(): number;
  isItalic(): number;
  isUnderline(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
  isOverline(): number;
  isFgRGB(): boolean;
  isBgRGB(): boolean;
  isFgPalette(): boolean;
  isBgPalette(): boolean;
  getFgColor(): number;
  getBgColor(): number;
}

/** Only in xterm's own cell class; the public interface does not name it. */
interface UnderlineAttributes {
  extended?: { underlineStyle: number; underlineColor: number };
  isUnderlineColorRGB?(): boolean;
  isUnderlineColorPalette?(): boolean;
  isUnderlineColorDefault?(): boolean;
  getUnderlineColor?(): number;
}

/** The whole pen, starting from reset. */
export function sgr(attributes: Attributes): string {
  const codes: (number | string)[] = [0];
  if (attributes.isBold()) codes.push(1);
  if (attributes.isDim()) codes.push(2);
  if (attributes.isItalic()) codes.push(3);
  if (attributes.isUnderline()) codes.push(...underline(attributes));
  if (attributes.isBlink()) codes.push(5);
  if (attributes.isInverse()) codes.push(7);
  if (attributes.isInvisible()) codes.push(8);
  if (attributes.isStrikethrough()) codes.push(9);
  if (attributes.isOverline()) codes.push(53);
  if (attributes.isFgRGB()) codes.push(38, 2, ...rgb(attributes.getFgColor()));
  else if (attributes.isFgPalette()) codes.push(...palette(attributes.getFgColor(), 30, 90, 38));
  codes.push(...background(attributes));
  return `\x1b[${codes.join(';')}m`;
}

/** Whether erasing with these attributes leaves a colour behind (background colour erase). */
export function hasBackground(attributes: Attributes): boolean {
  return attributes.isBgRGB() || attributes.isBgPalette();
}

/** A pen with nothing but the background, as erasing sees it. */
export function eraseSgr(attributes: Attributes): string {
  return `\x1b[${[0, ...background(attributes)].join(';')}m`;
}

function background(attributes: Attributes): number[] {
  if (attributes.isBgRGB()) return [48, 2, ...rgb(attributes.getBgColor())];
  return attributes.isBgPalette() ? palette(attributes.getBgColor(), 40, 100, 48) : [];
}

function underline(attributes: UnderlineAttributes): (number | string)[] {
  const style = attributes.extended?.underlineStyle ?? 1;
  const codes: (number | string)[] = [style > 1 ? `4:${style}` : 4];
  if (attributes.isUnderlineColorDefault?.() ?? true) return codes;
  const color = attributes.getUnderlineColor?.() ?? 0;
  if (attributes.isUnderlineColorRGB?.()) codes.push(58, 2, ...rgb(color));
  else if (attributes.isUnderlineColorPalette?.()) codes.push(58, 5, color);
  return codes;
}

function rgb(color: number): number[] {
  return [(color >>> 16) & 0xff, (color >>> 8) & 0xff, color & 0xff];
}

function palette(color: number, normal: number, bright: number, extended: number): number[] {
  if (color < 8) return [normal + color];
  return color < 16 ? [bright + color - 8] : [extended, 5, color];
}
