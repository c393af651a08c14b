/**
 * The layout tree of a tab as an algebra: pure, without Node's APIs, so that an editor in a browser comes to the very
 * bytes that srv comes to. Errors are `HoldfastError` with the field at fault; what throws has changed nothing.
 *
 * Rules: docs/SPEC.md, Layout. The tests are the examples: `layout.golden.test.ts`.
 */
export { deleteNode, moveNode, replaceNode, resizeNodes, setTree, swapNodes } from './change.ts';
export { checkTree, type IsBlockOfTab } from './check.ts';
export { checkFocus, type Focus, focusPlaced, keepFocus } from './focus.ts';
export { deriveGroupId } from './group-id.ts';
export { normalise } from './normal.ts';
export { insertNode, insertNodeAtIndex, splitNode } from './place.ts';
export { contains, findNode, firstLeaf, leaves, type Tree } from './tree.ts';
