import { describe, expect, it } from "vitest";
import { RetryBudget } from "./retry-budget.js";

function takeAll(budget: RetryBudget): number {
  let taken = 0;
  while (taken < 1000 && budget.take()) taken += 1;
  return taken;
}

describe("RetryBudget", () => {
  it("ends after its retries", () => {
    const budget = new RetryBudget(3);
    expect(takeAll(budget)).toBe(3);
    expect([budget.used, budget.allowed, budget.take()]).toEqual([3, 3, false]);
  });

  it("is earned again by success: as much for every 1,000", () => {
    const budget = new RetryBudget(10);
    takeAll(budget);
    for (let count = 0; count < 99; count += 1) budget.earn();
    expect(budget.take()).toBe(false);
    budget.earn();
    expect(takeAll(budget)).toBe(1);
    for (let count = 0; count < 900; count += 1) budget.earn();
    expect(takeAll(budget)).toBe(9);
  });

  it("of none stays none", () => {
    const budget = new RetryBudget(0);
    for (let count = 0; count < 5000; count += 1) budget.earn();
    expect(budget.take()).toBe(false);
  });
});
