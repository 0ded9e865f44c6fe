// SPDX-License-Identifier: GPL-2.0-only
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "buffer.h"
#include "counter.h"
#include "data.h"
#include "deadlock.h"
#include "debugfs.h"
#include "handle.h"
#include "name.h"
#include "process.h"
#include "user.h"

static struct miscdevice shmbuf_miscdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shmbuf",
	.fops = &shmbuf_fops,
	.mode = 0660,
	.groups = shmbuf_counter_groups,
};

static int __init shmbuf_init(void)
{
	int ret;

	shmbuf_user_init();
	shmbuf_deadlock_init();
	ret = shmbuf_data_init();
	if (ret)
		return ret;
	ret = shmbuf_buffer_init();
	if (ret)
		goto err_data;
	ret = misc_register(&shmbuf_miscdev);
	if (ret)
		goto err_buffer;
	shmbuf_debugfs_init();
	return 0;

err_buffer:
	shmbuf_buffer_exit();
err_data:
	shmbuf_data_exit();
	return ret;
}

/* Handles, data areas and names all hold the module: none is left. */
static void __exit shmbuf_exit(void)
{
	shmbuf_debugfs_exit();
	misc_deregister(&shmbuf_miscdev);
	shmbuf_name_exit();
	shmbuf_process_exit();
	shmbuf_buffer_exit();
	shmbuf_data_exit();
	rcu_barrier();
}

module_init(shmbuf_init);
module_exit(shmbuf_exit);

MODULE_DESCRIPTION("Shared-memory buffers with crash-safe synchronization");
MODULE_LICENSE("GPL");
/* That of dkms.conf, which tests/versions sees to. */
MODULE_VERSION("1.0.0");
