// Prints how many seconds BullMQ's retryJobs takes for so many failed jobs: PORT MESSAGES.
const { Queue } = require("bullmq");
const Redis = require("ioredis");

async function main(port, messages) {
  const queue = new Queue("bench", { connection: { host: "127.0.0.1", port } });
  const failed = [];
  for (let start = 0; start < messages; start += 1000) {
    const many = Array.from({ length: Math.min(1000, messages - start) }, () => ({
      name: "event",
      data: { text: "x".repeat(350) },
    }));
    for (const job of await queue.addBulk(many)) failed.push(job.id);
  }
  // As if a worker had failed at each of them.
  const client = new Redis(port);
  await client.del("bull:bench:wait");
  await client.zadd("bull:bench:failed", ...failed.flatMap((id) => [Date.now(), id]));
  const started = process.hrtime.bigint();
  await queue.retryJobs({ count: 1000 });
  console.log(Number(process.hrtime.bigint() - started) / 1e9);
  if ((await client.llen("bull:bench:wait")) !== messages) throw new Error("not all were retried");
  await client.quit();
  await queue.close();
}

main(Number(process.argv[2]), Number(process.argv[3]));
