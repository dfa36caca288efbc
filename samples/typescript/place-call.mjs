// @ts-check
// Have one call made through Temporal and await how it ends, perhaps days later.
// Plain JavaScript with types in comments, so that Node runs it as it is.
import { Client, Connection } from '@temporalio/client';

const to = process.argv[2];
const connection = await Connection.connect({
  address: process.env.TEMPORAL_ADDRESS ?? 'localhost:7233',
});
const client = new Client({ connection });

/** @type {{ outcome: string, attempts: number }} */
const result = await client.workflow.execute('RequestCallWorkflow', {
  args: [
    {
      tenant: 'default',
      request: {
        to,
        agent: { id: 'reception' },
        variables: { first_name: 'Ana' },
        schedule: { hours: '00:00-24:00' },
      },
    },
  ],
  workflowId: `request/default/sample-${to}`, // the same id again is the same request
  taskQueue: 'outdial',
});
console.log(`${result.outcome} after ${result.attempts} attempt(s)`);
await connection.close();
