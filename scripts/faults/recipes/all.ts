import type { Recipe } from '../recipe.ts';
import { forgetfulRedis, redisRestart } from './f01-redis-restart.ts';
import { redisStall } from './f02-redis-stall.ts';
import { replyLost } from './f03-reply-lost.ts';
import { laggingReplicas, sentinelFailover, withoutWaiting } from './f04-sentinel-failover.ts';
import { splitBrain } from './f06-split-brain.ts';
import { redisCluster } from './f07-redis-cluster.ts';
import { redisFull } from './f08-redis-full.ts';
import { nodeKill } from './f11-node-kill.ts';
import { gracefulRoll } from './f12-graceful-roll.ts';
import { parkedPeople } from './f14-parked-people.ts';

export const recipes: readonly Recipe[] = [
  redisRestart,
  redisStall,
  replyLost,
  sentinelFailover,
  laggingReplicas,
  splitBrain,
  redisCluster,
  redisFull,
  nodeKill,
  gracefulRoll,
  parkedPeople,
];

/** Run only when they are named: they show that a recipe would notice. They must not hold. */
export const controls: readonly Recipe[] = [forgetfulRedis, withoutWaiting];
