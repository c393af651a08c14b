/** Entry of a process with some subscribers. */
import { Follower, type FollowerOptions, type FollowerReport } from './follower.ts';
import { serveParent } from './serve-parent.ts';

let followers: Follower[] = [];

const work = {
  async begin({ count, ...options }: FollowerOptions & { count: number }): Promise<void> {
    followers = await Promise.all(Array.from({ length: count }, () => Follower.open(options)));
  },
  report(version: number): Promise<FollowerReport[]> {
    return Promise.all(followers.map((follower) => follower.report(version)));
  },
};
export type FollowWork = typeof work;

serveParent(work);
