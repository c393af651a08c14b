/** What a load client knows of a tab of its own: what it was told is there. */
interface Leaf {
  node: string;
  block: string;
}

export class DeskTab {
  readonly id: string;
  leaves: Leaf[] = [];
  parked: string[] = [];

  constructor(id: string) {
    this.id = id;
  }

  get blocks(): string[] {
    return [...this.leaves.map(({ block }) => block), ...this.parked];
  }

  /** Nobody counts on the block any more, or on where it is. */
  forget(block: string): void {
    this.leaves = this.leaves.filter((leaf) => leaf.block !== block);
    this.parked = this.parked.filter((parked) => parked !== block);
  }
}
